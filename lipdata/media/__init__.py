"""A media file -> frames and sound on one clock, by one ffmpeg process; and how much of the pictures is damaged.

Only local files of known formats are opened. Gives ``DecodedClip``: frame i lies at i / fps, sample 0 at frame 0.
"""

from lipdata.media.decode import DecodedClip, decode_clip, decode_sound
from lipdata.media.ffmpeg import ffmpeg_binary, ffmpeg_is_supported, ffmpeg_version, kill_running_ffmpegs
from lipdata.media.ffmpeg_command import PROTOCOLS

__all__ = [
    "PROTOCOLS",
    "DecodedClip",
    "decode_clip",
    "decode_sound",
    "ffmpeg_binary",
    "ffmpeg_is_supported",
    "ffmpeg_version",
    "kill_running_ffmpegs",
]
