"""Small shards in which a mouth opens as the sound grows louder: real files, made by lipdata's own writer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lipdata.config import load_pipeline
from lipdata.corpus.manifest import ManifestRow, write_manifest
from lipdata.shards.clip import Clip
from lipdata.shards.writer import write_shard
from lipmodel.config import Network, Run, Steps
from lipmodel.training.options import FitOptions, new_run

LENGTHS = {"s1/a": 40, "s1/b": 24, "s1/short": 10, "s2/a": 16, "s2/b": 33, "s2/val": 24}


@pytest.fixture(autouse=True)
def _one_thread():
    # The nets here are too small to share out, and threads that wait for each other are slow beside other work.
    torch.set_num_threads(1)


def speaking_clip(clip_id: str, length: int, seed: int) -> Clip:
    random = np.random.default_rng(seed)
    opening = 0.5 + 0.5 * np.sin(np.arange(length) * random.uniform(0.5, 0.9))  # T, 0 to 1
    skin = random.integers(120, 220, 3)
    frames = np.broadcast_to(skin, (length, 64, 64, 3)).astype(np.uint8).copy()
    for frame, share in zip(frames, opening, strict=True):
        half = 1 + round(12 * share)
        frame[32 - half : 32 + half, 16:48] = (60, 20, 20)
    frames[:, 0, 0, 0] = np.arange(length)  # the frame's own number, for the tests of the stream
    mel = np.broadcast_to((-70 + 60 * opening)[:, None, None], (length, 4, 128)).astype(np.float32)
    flow = np.full((length, 64, 64, 2), seed, np.float16)
    rest = (np.zeros((length, 20, 2)), np.zeros((length, 4)), np.ones(length, bool))
    return Clip(clip_id, clip_id.split("/")[0], "0" * 64, frames, mel, flow, *rest, _face(), np.zeros(4))


def _face() -> np.ndarray:
    return np.zeros((256, 256, 3), np.uint8)


@pytest.fixture(scope="session")
def lengths() -> dict[str, int]:
    """Frames of every clip, in the order of the shards; the flow of clip i is i everywhere."""
    return LENGTHS


@pytest.fixture(scope="session")
def shards_folder(tmp_path_factory) -> Path:
    """Two shards, six clips, one of them too short for a window; s2/val is the validation split."""
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


@pytest.fixture
def run_of(shards_folder, tmp_path):
    """A new run of networks smaller than tiny, which logs every 2 and saves every 3 steps."""

    def make(name: str = "run", variant: str = "e", **changes) -> tuple[Path, Run]:
        wish = FitOptions(shards=shards_folder, out=tmp_path / name, preset="tiny", variant=variant, batch=2)
        folder, run = new_run(wish)
        small = Network(1 / 32, 1, 1, (1, 4, 4), (1, 3, 3))
        often = {"network": small, "steps": Steps(2, 2, 6), "log_every": 2, "checkpoint_every": 3, "workers": 0}
        return folder, replace(run, **often | changes)

    return make
