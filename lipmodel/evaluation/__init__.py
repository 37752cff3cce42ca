"""A model against the real windows of a split: every metric of every frame, clip and the whole, with intervals.

Takes a run and a shard folder; gives an ``Evaluation``, tables as CSV and Markdown, and strips of examples.
"""

from lipmodel.evaluation.aggregate import METRICS, MODEL, STILL, TRUTH
from lipmodel.evaluation.markdown import TITLES, format_metric, markdown_table
from lipmodel.evaluation.published import TABLE_2, TABLE_3, PublishedRow
from lipmodel.evaluation.report import AS_A_MEAN, Evaluation, Means, read_evaluation
from lipmodel.evaluation.run import EVALUATION_FILE, evaluate, evaluate_run, package_versions
from lipmodel.evaluation.test_set import open_evaluation_set, shards_digest

__all__ = [
    "AS_A_MEAN",
    "EVALUATION_FILE",
    "METRICS",
    "MODEL",
    "STILL",
    "TABLE_2",
    "TABLE_3",
    "TITLES",
    "TRUTH",
    "Evaluation",
    "Means",
    "PublishedRow",
    "evaluate",
    "evaluate_run",
    "format_metric",
    "markdown_table",
    "open_evaluation_set",
    "package_versions",
    "read_evaluation",
    "shards_digest",
]
