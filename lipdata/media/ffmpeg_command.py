"""How ffmpeg is asked: to open a local file of sound or picture and nothing else, and to say what is wrong with it."""

from pathlib import Path
from typing import Any

import ffmpeg

from lipdata.media.ffmpeg import ffmpeg_binary

# Local files and those of ours that are named pipe:N: a playlist or a subtitle in an untrusted clip opens nothing else.
PROTOCOLS = "file,pipe"
# No playlists (hls, concat, dash): a clip that is one would read files outside the corpus folder.
FORMATS = (
    "mpeg,mpegts,mpegvideo,mov,mp4,matroska,webm,avi,asf,flv,dv,mxf,nut,m4v,h264,hevc,"
    "ogg,wav,w64,mp3,flac,aac,aiff,caf,amr,au,ac3,eac3,wv,tta,voc,ape,dts,opus"
)


def ffmpeg_input(path: Path, **options: Any) -> Any:
    """The file as ffmpeg-python's input; ``options`` are ffmpeg's for inputs."""
    # file: and an absolute path: a name that begins with a dash is no option, one with a colon no protocol.
    guards = {"protocol_whitelist": PROTOCOLS, "format_whitelist": FORMATS}
    return ffmpeg.input(f"file:{Path(path).absolute()}", threads=1, **guards, **options)


def ffmpeg_arguments(outputs: Any, *, thoroughly: bool = False) -> list[str]:
    """What makes these outputs, in one thread where ffmpeg lets us choose.

    Args:
        thoroughly: ffmpeg also says which picture leaves a decoder when, and what of it was concealed.
    """
    talk = ("-loglevel", "repeat+info", "-debug_ts") if thoroughly else ("-loglevel", "repeat+warning")
    single = ("-filter_threads", "1", "-filter_complex_threads", "1")
    words: list[str] = ffmpeg.compile(
        outputs.global_args("-hide_banner", "-nostats", "-nostdin", *talk, *single), cmd=ffmpeg_binary()
    )
    return words
