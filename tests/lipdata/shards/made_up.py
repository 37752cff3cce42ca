"""Clips of random numbers, and a shard of them."""

from pathlib import Path

import numpy as np

from lipdata.config import Pipeline
from lipdata.shards import Clip, write_shard


def random_clip(name: str, n_frames: int, seed: int) -> Clip:
    random = np.random.default_rng(seed)
    return Clip(
        clip_id=f"s1/{name}",
        speaker="s1",
        sha256=f"{seed:064x}",
        fps=25,
        frames=random.integers(0, 256, (n_frames, 64, 64, 3), np.uint8),
        landmarks=random.uniform(0, 64, (n_frames, 20, 2)).astype(np.float32),
        box=random.uniform(0, 300, (n_frames, 4)).astype(np.float32),
        tracked=random.random(n_frames) < 0.9,
        face=random.integers(0, 256, (256, 256, 3), np.uint8),
        face_lips=random.uniform(0, 256, 4).astype(np.float32),
        features={
            "mel": random.normal(size=(n_frames, 4, 128)).astype(np.float32),
            "flow": random.normal(size=(n_frames, 64, 64, 2)).astype(np.float16),
        },
    )


def write(path: Path, clips: list[Clip], setup: Pipeline) -> str:
    about = {"pipeline": setup.to_json(), "pipeline_digest": "abc", "fps": 25, "sample_rate": 44100}
    return write_shard(path, clips, about)
