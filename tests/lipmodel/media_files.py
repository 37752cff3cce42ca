"""Pictures, speech and videos for tests of inference."""

import re
import subprocess
from pathlib import Path

import cv2
import numpy as np
import soundfile
from skimage.data import astronaut

from lipdata.media.ffmpeg import ffmpeg_binary

RATE_HZ = 44100


def write_photo(path: Path, rows: int = 300) -> Path:
    """Write a photo of 300 x 300 pixels with a face, or its upper rows."""
    cv2.imwrite(str(path), cv2.cvtColor(astronaut()[:rows, 60:360], cv2.COLOR_RGB2BGR))
    return path


def write_crop(path: Path) -> Path:
    """Write a drawn mouth of 64 x 64 pixels, in which no face is found."""
    image = np.full((64, 64, 3), (90, 130, 200), np.uint8)
    cv2.ellipse(image, (32, 34), (20, 7), 0, 0, 360, (60, 60, 160), -1)
    cv2.imwrite(str(path), image)
    return path


def tone(seconds: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A tone that is interrupted twice a second [shape=(n,), float32]."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    sound = 0.3 * np.sin(2 * np.pi * 220 * time_s) * (np.sin(2 * np.pi * 2 * time_s) > 0)
    return sound.astype(np.float32)


def write_speech(path: Path, seconds: float, rate_hz: int = RATE_HZ) -> Path:
    """Write ``tone`` as a stereo WAV."""
    sound = tone(seconds, rate_hz)
    soundfile.write(path, np.stack([sound, sound], axis=1), rate_hz)
    return path


def described(path: Path) -> str:
    """What ffmpeg prints about the streams of a file."""
    return subprocess.run([ffmpeg_binary(), "-i", path], capture_output=True, text=True, check=False).stderr


def decoded(path: Path) -> np.ndarray:
    """The frames of a video, RGB [shape=(T, H, W, 3), uint8]."""
    size = re.search(r"Video: .* (\d+)x(\d+)", described(path))
    assert size is not None
    raw = ["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    command = [ffmpeg_binary(), "-loglevel", "error", "-i", path, *raw]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(content, np.uint8).reshape(-1, int(size[2]), int(size[1]), 3)
