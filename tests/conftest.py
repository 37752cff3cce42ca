"""Real input for every test: eight GRID clips of the package, the synthetic corpus, and for slow tests all of GRID."""

import os
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

import lipdata
from lipdata.config import Pipeline, load_pipeline
from lipdata.face.dlib_detector import DlibDetector, predictor_path
from lipdata.media.ffmpeg import ffmpeg_binary
from lipdata.samples import grid_clips, write_synthetic_corpus

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def clips() -> Path:
    """Eight real GRID clips in GRID's layout, with ``manifest.csv``: part of the package. Not to be changed."""
    return grid_clips()


@pytest.fixture(scope="session")
def grid() -> Path:
    """The large folder of real GRID clips. Tests that use it are marked slow."""
    folder = Path(os.environ.get("LIPDATA_GRID", HERE.parent.parent / "shared" / "grid"))
    if not (folder / "s1").is_dir():
        pytest.skip(f"no GRID clips: set LIPDATA_GRID, or put them at {folder}")
    return folder


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic corpus, four clips of three speakers: t1 has two. Not to be changed."""
    folder = tmp_path_factory.mktemp("sample") / "sample"
    write_synthetic_corpus(folder, 4)
    return folder


@pytest.fixture(scope="session")
def setup() -> Pipeline:
    """The pipeline ``grid``."""
    return load_pipeline("grid")


@pytest.fixture(scope="session")
def finder() -> DlibDetector:
    """dlib's detector and predictor, loaded once."""
    return DlibDetector(predictor_path())


@pytest.fixture(scope="session")
def grid_shards(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One shard of the eight GRID clips, 600 frames; s22 and s23 are split test, s26 is val. Not to be changed."""
    out = tmp_path_factory.mktemp("grid") / "shards"
    lipdata.ingest(clips, out, manifest=clips / "manifest.csv", workers=1, fail_fast=True)
    return out


def encode(
    path: Path,
    frames: np.ndarray | None,
    sound: np.ndarray | None,
    *,
    fps: float = 25,
    rate_hz: int = 44100,
    options: tuple[str, ...] = (),
    sound_options: tuple[str, ...] = (),
) -> Path:
    """Encode a test clip. ``sound_options`` go before the sound's input: ("-itsoffset", "0.5") delays it."""
    command = [ffmpeg_binary(), "-v", "error", "-y"]
    raw = path.with_suffix(".rgb")
    wav = path.with_suffix(".in.wav")
    if frames is not None:
        raw.write_bytes(np.ascontiguousarray(frames).tobytes())
        size = f"{frames.shape[2]}x{frames.shape[1]}"
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(fps), "-i", str(raw)]
    if sound is not None:
        with wave.open(str(wav), "wb") as file:
            file.setnchannels(sound.ndim)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").T.tobytes())
        command += [*sound_options, "-i", str(wav)]
    subprocess.run([*command, *options, str(path)], check=True, stdin=subprocess.DEVNULL)
    raw.unlink(missing_ok=True)
    wav.unlink(missing_ok=True)
    return path
