"""Frames and sound -> an MP4 that plays everywhere."""

import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import ffmpeg
import numpy as np

from lipdata.errors import LipdataError
from lipdata.files import whole
from lipdata.media import PROTOCOLS, ffmpeg_binary

ENLARGED = 4  # a 64 px mouth fills no screen


def write_mp4(
    path: Path, frames: Iterable[np.ndarray], sound: np.ndarray, *, size_px: int, fps: int, sample_rate_hz: int
) -> int:
    """Write H.264 (yuv420p) and AAC, the picture four times as large; all or nothing.

    Args:
        frames: uint8, RGB [shape=(size_px, size_px, 3)] each; taken one at a time.
        sound: mono, float32, -1 to 1.

    Returns:
        How many frames were written.

    Raises:
        LipdataError: ffmpeg refused.
    """
    with whole(path) as hidden, tempfile.TemporaryDirectory(prefix="lipmodel-") as folder:
        samples = Path(folder) / "sound.f32"
        sound.astype("<f4").tofile(samples)
        command = _command(hidden, samples, size_px=size_px, fps=fps, sample_rate_hz=sample_rate_hz)
        # What ffmpeg says goes to a file: a pipe that nobody empties could stop it.
        with (Path(folder) / "said").open("w+b") as said:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
            count = _feed(process, frames)
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
        pass  # ffmpeg has ended; its status and its own words tell more
    finally:
        process.wait()
    return count


def _command(out: Path, samples: Path, *, size_px: int, fps: int, sample_rate_hz: int) -> list[str]:
    local = {"protocol_whitelist": PROTOCOLS}
    size = f"{size_px}x{size_px}"
    video = ffmpeg.input("pipe:0", format="rawvideo", pix_fmt="rgb24", s=size, framerate=fps, **local)
    audio = ffmpeg.input(f"file:{samples}", format="f32le", ar=sample_rate_hz, ac=1, **local)
    large = video.video.filter("scale", size_px * ENLARGED, size_px * ENLARGED, flags="lanczos")
    codecs = {"vcodec": "libx264", "pix_fmt": "yuv420p", "crf": 18, "acodec": "aac", "audio_bitrate": "128k"}
    output = ffmpeg.output(large, audio.audio, f"file:{out.absolute()}", format="mp4", movflags="+faststart", **codecs)
    quiet = output.global_args("-hide_banner", "-loglevel", "error")
    command: list[str] = ffmpeg.compile(quiet, ffmpeg_binary(), overwrite_output=True)
    return command
