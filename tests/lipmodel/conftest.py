"""Small shards in which a mouth opens as the sound grows louder, and runs on them: real files, written by lipdata."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lipdata.config import load_pipeline
from lipdata.corpus.manifest import ManifestRow, write_manifest
from lipdata.shards.clip import Clip
from lipdata.shards.writer import write_shard
from lipmodel.config import Run, Steps
from lipmodel.inference import Model, load
from lipmodel.training.options import FitOptions, new_run
from lipmodel.training.run import train
from tests.lipmodel.untrained import SMALLEST, untrained

LENGTHS = {"s1/a": 40, "s1/b": 24, "s1/short": 10, "s2/a": 16, "s2/b": 33, "s2/val": 24}


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    # Before every other fixture: two threads round sums otherwise than one, and weights are compared to the bit. Nor
    # are the networks here large enough to share out.
    torch.set_num_threads(1)


def speaking_clip(clip_id: str, length: int, seed: int) -> Clip:
    random = np.random.default_rng(seed)
    opening = 0.5 + 0.5 * np.sin(np.arange(length) * random.uniform(0.5, 0.9))  # T, 0 to 1
    skin = random.integers(120, 220, 3)
    frames = np.broadcast_to(skin, (length, 64, 64, 3)).astype(np.uint8).copy()
    for frame, share in zip(frames, opening, strict=True):
        half = 1 + round(12 * share)
        frame[32 - half : 32 + half, 16:48] = (60, 20, 20)
    frames[:, 0, 0, 0] = np.arange(length)  # the frame's own number, for the tests of the windows
    mel = np.broadcast_to((-70 + 60 * opening)[:, None, None], (length, 4, 128)).astype(np.float32)
    flow = np.full((length, 64, 64, 2), seed, np.float16)
    return Clip(
        clip_id=clip_id,
        speaker=clip_id.split("/")[0],
        sha256="0" * 64,
        fps=25,
        frames=frames,
        landmarks=np.zeros((length, 20, 2)),
        box=np.zeros((length, 4)),
        tracked=np.ones(length, bool),
        face=np.zeros((256, 256, 3), np.uint8),
        face_lips=np.zeros(4),
        features={"mel": mel, "flow": flow},
    )


@pytest.fixture(scope="session")
def lengths() -> dict[str, int]:
    """Frames of every clip, in the order of the shards; the flow of clip i is i everywhere."""
    return LENGTHS


@pytest.fixture(scope="session")
def shards_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards, six clips, one of them too short for a window; s2/val is the validation split. Not to be changed."""
    folder = tmp_path_factory.mktemp("shards")
    grid = load_pipeline("grid")
    attributes = {"pipeline": grid.to_json(), "pipeline_digest": "d" * 64, "fps": 25, "sample_rate": 44100}
    clips = [speaking_clip(clip_id, length, seed) for seed, (clip_id, length) in enumerate(LENGTHS.items())]
    for number, some in enumerate((clips[:3], clips[3:])):
        write_shard(folder / f"grid-{number:05}.h5", some, attributes)
    rows = [
        ManifestRow(clip_id, clip_id.split("/")[0], "val" if clip_id == "s2/val" else "train", f"{clip_id}.mpg")
        for clip_id in LENGTHS
    ]
    write_manifest(folder / "manifest.csv", rows)
    return folder


def small_run(shards: Path, folder: Path, variant: str = "e", **changes) -> Run:
    """A new run of networks smaller than tiny, which logs every 2 and saves every 3 steps."""
    _, run = new_run(FitOptions(shards=shards, out=folder, preset="tiny", variant=variant, batch=2))
    often = {"network": SMALLEST, "steps": Steps(2, 2, 6), "log_every": 2, "checkpoint_every": 3, "workers": 0}
    return replace(run, **often | changes)


@pytest.fixture(scope="session")
def trained(shards_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A small run whose three stages are done. Not to be changed."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    run = small_run(shards_folder, folder)
    train(folder, run)
    return folder, run


@pytest.fixture
def run_of(request: pytest.FixtureRequest, shards_folder: Path, tmp_path: Path) -> Callable[..., tuple[Path, Run]]:
    """Make a small run, not yet trained; ``ready``: with stages flow and autoencoder of ``trained`` in its folder."""

    def make(name: str = "run", variant: str = "e", *, ready: bool = False, **changes) -> tuple[Path, Run]:
        folder = tmp_path / name
        run = small_run(shards_folder, folder, variant, **changes)
        if ready:
            done, _ = request.getfixturevalue("trained")
            for stage in ("flow", "autoencoder"):
                shutil.copytree(done / stage, folder / stage, symlinks=True)
        return folder, run

    return make


@pytest.fixture(scope="session")
def random_run(shards_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of random weights with two checkpoints, of which step 1 is the best. Not to be changed."""
    folder = tmp_path_factory.mktemp("random") / "run"
    untrained(folder, shards_folder, {1: 0.2, 2: 0.3})
    return folder


@pytest.fixture(scope="session")
def model(random_run: Path) -> Model:
    """The newest checkpoint of ``random_run``, loaded."""
    return load(random_run)
