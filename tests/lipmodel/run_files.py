"""Read and continue run folders."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

# Continue the run of argument 1 in a process of its own.
CONTINUE = """
import sys, torch
from pathlib import Path
from lipmodel.config import load_run
from lipmodel.training import train
torch.set_num_threads(1)
train(Path(sys.argv[1]), load_run(Path(sys.argv[1])))
"""


def weights(folder: Path, step: int = 6) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint."""
    return load_file(folder / "checkpoints" / f"step-{step}.safetensors")


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two checkpoints hold the same tensors, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def logged(folder: Path) -> list[dict[str, float]]:
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
