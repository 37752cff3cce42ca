"""Frames and sound -> an MP4 that plays everywhere."""

import subprocess
import tempfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from lipdata.atomic_files import atomic_path
from lipdata.errors import LipdataError
from lipdata.media import PROTOCOLS, ffmpeg_binary

ENLARGED = 4  # a 64 px mouth fills no screen


def require_free(out: Path, *, overwrite: bool) -> None:
    """Refuse a path that cannot be written to, before any work is done.

    Raises:
        LipdataError: there is a file of that name and it is to be kept, or there is no folder for it.
    """
    if out.exists() and not overwrite:
        raise LipdataError(f"{out} exists; choose another name with -o, or allow --overwrite")
    if not out.absolute().parent.is_dir():
        raise LipdataError(f"{out} cannot be written: there is no folder {out.absolute().parent}; make it first")


def write_mp4(
    path: Path,
    frames: Iterable[np.ndarray],
    sound: np.ndarray | None,
    *,
    enlarged: int,
    fps: int,
    sample_rate_hz: int,
) -> int:
    """Write H.264 (yuv420p, BT.709) and AAC; all or nothing.

    Args:
        frames: one or more, uint8, RGB [shape=(H, W, 3)] each; taken one at a time.
        sound: mono, float32, -1 to 1; None makes a silent video.
        enlarged: how many times as large the video is as the frames; both sides of it must be even.

    Returns:
        How many frames were written.

    Raises:
        LipdataError: ffmpeg refused.
    """
    rest = iter(frames)
    first = next(rest)
    with atomic_path(path) as hidden, tempfile.TemporaryDirectory(prefix="lipmodel-") as folder:
        streams = [_video(first.shape, enlarged, fps)]
        if sound is not None:
            samples = Path(folder) / "sound.f32"
            sound.astype("<f4").tofile(samples)
            streams.append(_audio(samples, sample_rate_hz))
        # What ffmpeg says goes to a file: a pipe that is not emptied could stop it.
        with (Path(folder) / "said").open("w+b") as said:
            command = _command(streams, hidden)
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
            count = _feed(process, chain([first], rest))
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").splitlines()
        if process.returncode:
            reason = lines[-1] if lines else f"it ended with status {process.returncode}"
            raise LipdataError(f"ffmpeg could not write {path}: {reason}")
    return count


def _feed(process: "subprocess.Popen[bytes]", frames: Iterable[np.ndarray]) -> int:
    assert process.stdin is not None
    count = 0
    try:
        with process.stdin as pipe:
            for frame in frames:
                pipe.write(frame.tobytes())
                count += 1
    except BrokenPipeError:
        pass  # ffmpeg has ended; its status and its messages say more
    finally:
        process.wait()
    return count


def _video(shape: tuple[int, ...], enlarged: int, fps: int) -> Any:
    height, width = shape[:2]
    raw = {"format": "rawvideo", "pix_fmt": "rgb24", "s": f"{width}x{height}", "framerate": fps}
    video = ffmpeg.input("pipe:0", **raw, protocol_whitelist=PROTOCOLS)
    # Players take an unnamed matrix for BT.601 or BT.709 by the picture's size, and colours shift: it is named.
    colours = {"flags": "lanczos", "out_color_matrix": "bt709", "out_range": "tv"}
    return video.video.filter("scale", width * enlarged, height * enlarged, **colours)


def _audio(samples: Path, sample_rate_hz: int) -> Any:
    sound = ffmpeg.input(f"file:{samples}", format="f32le", ar=sample_rate_hz, ac=1, protocol_whitelist=PROTOCOLS)
    return sound.audio


def _command(streams: list[Any], out: Path) -> list[str]:
    codecs = {"vcodec": "libx264", "pix_fmt": "yuv420p", "crf": 18, "acodec": "aac", "audio_bitrate": "128k"}
    colours = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
    output = ffmpeg.output(*streams, f"file:{out.absolute()}", format="mp4", movflags="+faststart", **codecs, **colours)
    quiet = output.global_args("-hide_banner", "-loglevel", "error")
    command: list[str] = ffmpeg.compile(quiet, ffmpeg_binary(), overwrite_output=True)
    return command
