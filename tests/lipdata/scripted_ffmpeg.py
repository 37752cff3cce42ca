"""An ffmpeg that is a shell script: it does something else first, or instead, for some of the commands it gets."""

from pathlib import Path

from lipdata.media import ffmpeg_binary

# As a fault in a codec would: the process that called it dies too.
KILL_CALLER = "kill -9 $PPID; exit"


def scripted_ffmpeg(folder: Path, pattern: str, does: str = KILL_CALLER) -> Path:
    """Write such a script; name it with LIPDATA_FFMPEG.

    Args:
        pattern: in shell; the script acts where the arguments hold it, and is ffmpeg itself otherwise.
        does: in shell; ffmpeg runs afterwards, unless this exits.
    """
    script = folder / "ffmpeg"
    script.write_text(f'#!/bin/sh\ncase "$*" in *{pattern}*) {does};; esac\nexec {ffmpeg_binary()} "$@"\n')
    script.chmod(0o755)
    return script
