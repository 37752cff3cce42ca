"""How long does a generated frame take, and how far is that from what the machine can compute at all?

    python benchmarks/generate.py      # about 4 minutes on two cores; writes docs/benchmarks/generate.md

Weights are random: they cost what learnt ones cost.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product

import click
import torch
from page import machine, processor, publish
from torch.utils.flop_counter import FlopCounterMode

from lipdata.shards.schema import WINDOW
from lipmodel.config import PRESETS, Network
from lipmodel.inference.synthesis import WINDOWS_AT_ONCE
from lipmodel.networks.generator import Generator

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
SECONDS = 1.0  # of a measurement, but one pass at least
MATMUL_SIDE = 2048
ROUNDS = 3
TEXT = """# How long a generated frame takes

Of windows of {window} frames, one alone and {batch} at once. A frame of `lipmodel generate` costs two of these, as its
windows overlap by half. GFLOP count a multiply-add as two. Matrices: what a product of two matrices of {side} x {side}
reaches on the same device in the same precision. All is measured {rounds} times in turn, and the best of it stands
here, so that other work on the machine counts little. Weights are random. bf16 is autocast's; `lipmodel generate`
computes in fp32. Written by `python benchmarks/generate.py`.

{machine}

| device | preset | precision | windows | GFLOP a frame | ms a frame | GFLOP/s | matrices, GFLOP/s | share |
|---|---|---|---:|---:|---:|---:|---:|---:|
| GTX 1080 Ti | the paper's | fp32 | | | 15 | | | |
{rows}
"""


@dataclass(frozen=True)
class Kind:
    """What is measured."""

    device: torch.device
    preset: str
    precision: str
    windows: int


def best_s(work: Callable[[], object], device: torch.device) -> float:
    """The shortest time of ``work``, in seconds."""
    ended_s = time.perf_counter() + SECONDS
    times: list[float] = []
    while not times or time.perf_counter() < ended_s:
        began_s = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began_s)
    return min(times)


def matmul_gflops(device: torch.device, precision: str) -> float:
    """GFLOP a second of a product of two large matrices."""
    one, other = (torch.randn(MATMUL_SIDE, MATMUL_SIDE, device=device, dtype=PRECISIONS[precision]) for _ in range(2))
    one @ other
    return 2 * MATMUL_SIDE**3 / best_s(lambda: one @ other, device) / 1e9


def window_gflop(network: Network) -> float:
    """Work of one window."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        Generator(network)(*inputs(1, torch.device("meta")))
    return float(counter.get_total_flops()) / 1e9


def inputs(windows: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-mel and identity pictures."""
    return torch.full((windows, 4 * WINDOW, 128), -30.0, device=device), torch.zeros(windows, 3, 64, 64, device=device)


@torch.inference_mode()
def gflops(kind: Kind) -> float:
    """GFLOP a second of a generator."""
    network, device = PRESETS[kind.preset].network, kind.device
    generator = Generator(network).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=kind.precision == "bf16"):
        generator(*inputs(1, device))
        seconds = best_s(partial(generator, *inputs(kind.windows, device)), device)
    return kind.windows * window_gflop(network) / seconds


def table(reached: Mapping[Kind, float], limits: Mapping[Kind, float], names: Mapping[torch.device, str]) -> str:
    """A line for every kind, as Markdown."""
    lines = []
    for kind, of_kind in reached.items():
        same = [limit for k, limit in limits.items() if (k.device, k.precision) == (kind.device, kind.precision)]
        frame_gflop = window_gflop(PRESETS[kind.preset].network) / WINDOW
        speed = f"{1000 * frame_gflop / of_kind:.3g} | {of_kind:,.0f} | {max(same):,.0f} | {of_kind / max(same):.0%}"
        about = f"{names[kind.device]} | {kind.preset} | {kind.precision} | {kind.windows} | {frame_gflop:.2f}"
        lines.append(f"| {about} | {speed} |")
    return "\n".join(lines)


def devices() -> dict[torch.device, str]:
    """The CPU, and the GPU where there is one, and their names."""
    found = {torch.device("cpu"): f"{processor()}, {torch.get_num_threads()} threads"}
    if torch.cuda.is_available():
        found[torch.device("cuda")] = torch.cuda.get_device_name()
    return found


@click.command(help=__doc__)
def main() -> None:
    # Convolutions take TF32 for fp32 by PyTorch's default; the matrices shall too.
    torch.backends.cuda.matmul.allow_tf32 = True
    about = machine()
    names = devices()
    kinds = [Kind(*kind) for kind in product(names, PRESETS, PRECISIONS, (1, WINDOWS_AT_ONCE))]
    reached, limits = dict.fromkeys(kinds, 0.0), dict.fromkeys(kinds, 0.0)
    for _ in range(ROUNDS):
        for kind in kinds:
            limits[kind] = max(limits[kind], matmul_gflops(kind.device, kind.precision))
            reached[kind] = max(reached[kind], gflops(kind))
    numbers = {"window": WINDOW, "batch": WINDOWS_AT_ONCE, "side": MATMUL_SIDE, "rounds": ROUNDS}
    text = TEXT.format(machine=about, rows=table(reached, limits, names), **numbers)
    publish("generate", text)


if __name__ == "__main__":
    main()
