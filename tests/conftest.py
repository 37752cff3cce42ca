"""Real input for every test: GRID's clips where they are at hand, the sample corpus everywhere."""

import os
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from lipdata.config import Pipeline, load_pipeline
from lipdata.corpus.manifest import ManifestRow
from lipdata.face.dlib_detector import DlibDetector, predictor_path
from lipdata.ingestion.run import run_ingest
from lipdata.media.ffmpeg import ffmpeg_binary
from lipdata.samples.synthetic_corpus import write_synthetic_corpus

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def grid() -> Path:
    """The folder of real GRID clips."""
    folder = Path(os.environ.get("LIPDATA_GRID", HERE.parent.parent / "shared" / "grid"))
    if not (folder / "s1").is_dir():
        pytest.skip(f"no GRID clips: set LIPDATA_GRID, or put them at {folder}")
    return folder


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample corpus, four clips of three speakers. Not to be changed."""
    folder = tmp_path_factory.mktemp("sample") / "sample"
    write_synthetic_corpus(folder, 4)
    return folder


@pytest.fixture(scope="session")
def setup() -> Pipeline:
    return load_pipeline("grid")


@pytest.fixture(scope="session")
def finder() -> DlibDetector:
    return DlibDetector(predictor_path())


GRID_CLIPS = {
    "s1/bbaf2n": "train",
    "s1/bbaf4p": "train",
    "s1/bbas1s": "val",
    "s26/bgbsza": "test",
    "s26/swiz3n": "test",
    "s31/bgiq6p": "test",
    "s31/prwa4n": "test",
}


@pytest.fixture(scope="session")
def grid_shards(grid: Path, setup: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of seven GRID clips, 525 frames, of three speakers; s26 and s31 are split test. Not to be changed."""
    out = tmp_path_factory.mktemp("grid") / "shards"
    rows = [
        ManifestRow(clip_id, clip_id.split("/")[0], split, f"{clip_id}.mpg") for clip_id, split in GRID_CLIPS.items()
    ]
    run_ingest(grid, rows, out, setup, predictor=predictor_path(), jobs=1, fail_fast=True, report=lambda *_: None)
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
