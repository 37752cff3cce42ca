"""What ffmpeg decodes of a synthetic clip, and its word times."""

import subprocess
from pathlib import Path

import numpy as np

from lipdata.media import ffmpeg_binary

TICKS_PER_S = 25000


def decoded(clip: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [ffmpeg_binary(), "-hide_banner", "-i", str(clip), *options, "pipe:"]
    return subprocess.run(command, capture_output=True, check=True)


def frames_of(clip: Path) -> np.ndarray:
    raw = decoded(clip, "-f", "rawvideo", "-pix_fmt", "rgb24").stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, 288, 360, 3)  # T, H, W, 3


def align_of(clip: Path) -> list[tuple[int, int, str]]:
    lines = (clip.parent / "align" / f"{clip.stem}.align").read_text().splitlines()
    return [(int(start), int(end), word) for start, end, word in map(str.split, lines)]
