"""What to know of a shard folder: whether it is whole, which clips deserve a look, audio-visual delay, pictures.

Takes shard folders; gives tables, PNGs and one HTML page. Nothing here changes a shard.
"""

from lipdata.analysis.av_delay import delay_summary, delay_table
from lipdata.analysis.clip_picture import draw_clip, show_clip
from lipdata.analysis.delay_plot import write_delay_study
from lipdata.analysis.integrity import check_path
from lipdata.analysis.quality import find_flags, measure_quality
from lipdata.analysis.report_page import write_report

__all__ = [
    "check_path",
    "delay_summary",
    "delay_table",
    "draw_clip",
    "find_flags",
    "measure_quality",
    "show_clip",
    "write_delay_study",
    "write_report",
]
