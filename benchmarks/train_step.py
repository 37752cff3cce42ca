"""How many windows a second does the full GAN step learn from, and what does each option of speed bring?

    python benchmarks/train_step.py SHARDS      # writes docs/benchmarks/train_step.md
    python benchmarks/train_step.py SHARDS --preset paper --batch 24

On a CPU preset tiny, on a GPU preset paper. All options take turns, so that what else the machine does falls on all.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import click
import torch
from lightning_fabric import Fabric
from page import machine, publish

from lipmodel.config import PRESETS, Run, Speed, Steps
from lipmodel.data.prefetch import read_ahead
from lipmodel.data.run_data import RunData, open_run_data
from lipmodel.data.sampler import BatchSampler
from lipmodel.training.device import launch
from lipmodel.training.loss_meter import LossMeter
from lipmodel.training.options import FitOptions, new_run
from lipmodel.training.run import train
from lipmodel.training.stages.gan import GanStage
from lipmodel.training.stages.stage import Stage

PLAIN = Speed(precision="32", channels_last=False, fused_adam=False, compiled=False)
WAYS = {
    "eager fp32": PLAIN,
    "channels last": replace(PLAIN, channels_last=True),
    "fused Adam": replace(PLAIN, fused_adam=True),
    "compiled": replace(PLAIN, compiled=True),
    "bf16": replace(PLAIN, precision="bf16"),
    "channels last, fused Adam": replace(PLAIN, channels_last=True, fused_adam=True),
    "channels last, fused Adam, bf16": Speed("bf16", channels_last=True, fused_adam=True, compiled=False),
    "all": Speed("bf16", channels_last=True, fused_adam=True, compiled=True),
}
UNTIMED = 3  # a compiled network compiles at its first steps
TEXT = """# What a training step costs

Variant e, preset {preset}, batch {batch}: discriminator, generator, correlation networks, FlowNet and the perceptual
encoder, on windows from real shards. Medians of {rounds} rounds of {steps} steps, in each of which all options take
their turn. Waiting: the share of the time that the step stands still for data. Written by
`python benchmarks/train_step.py`.

{machine}

| | windows/s | of eager fp32 | waiting |
|---|---:|---:|---:|
{rows}

The default on this device: {default}.
{memory}"""


class Way:
    """The GAN stage with one set of options, and its own stream of batches."""

    def __init__(self, run: Run, folder: Path, data: RunData) -> None:
        self._fabric: Fabric = launch(run)
        self._stage: Stage = GanStage(run, self._fabric, folder)
        windows = data.windows(run.split, self._stage.reads)
        picks = BatchSampler(len(windows), batch=run.batch, seed=0, first=0, end=1_000_000)
        self._meter = LossMeter(run.batch)
        ahead = read_ahead(windows, iter(picks), run.workers, self._fabric.device)
        self._batches: Iterator[dict[str, torch.Tensor]] = iter(self._meter.timed(ahead))  # type: ignore[arg-type]
        self.speeds: list[float] = []
        self.waited: list[float] = []

    def go(self, steps: int) -> None:
        """Take some steps, and note the speed."""
        for _ in range(steps):
            self._meter.count(self._stage.step(next(self._batches), 1))
        _, pace = self._meter.take(self._fabric)
        self.speeds.append(pace["windows_per_s"])
        self.waited.append(pace["waiting"])


def room(run: Run, folder: Path, data: RunData) -> str:
    """What the GPU has room for with the default options: windows by powers of two, and the memory of a step."""
    n_windows, batch, peaks = len(data.windows(run.split, ())), 1, {}
    while batch <= n_windows:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        try:
            Way(replace(run, batch=batch), folder, data).go(UNTIMED)
        except torch.cuda.OutOfMemoryError:
            break
        peaks[batch] = torch.cuda.max_memory_allocated() / 2**30
        batch *= 2
    rows = "\n".join(f"| {batch} | {peak:.1f} |" for batch, peak in peaks.items())
    return f"\nBatches that fit, by powers of two:\n\n| windows | peak memory, GiB |\n|---:|---:|\n{rows}\n"


def row(name: str, way: Way, eager: Way) -> str:
    speed = median(way.speeds)
    return f"| {name} | {speed:.2f} | {speed / median(eager.speeds):.2f} | {median(way.waited):.1%} |"


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--preset", type=click.Choice(list(PRESETS)), default="paper" if torch.cuda.is_available() else "tiny")
@click.option("--batch", type=int, default=24 if torch.cuda.is_available() else 4, show_default=True)
@click.option("--rounds", type=int, default=5, show_default=True)
@click.option("--steps", type=int, default=20 if torch.cuda.is_available() else 5, show_default=True)
def main(shards: Path, preset: str, batch: int, rounds: int, steps: int) -> None:
    about = machine()
    with tempfile.TemporaryDirectory() as scratch:
        options = FitOptions(shards=shards, out=Path(scratch) / "run", preset=preset, batch=batch)
        folder, run = new_run(options)
        run = replace(run, steps=Steps(1, 1, 1))
        train(folder, run, ["flow", "autoencoder"])
        data, ways = open_run_data(run), {}
        for name, speed in WAYS.items():
            began = time.perf_counter()
            ways[name] = Way(replace(run, speed=speed), folder, data)
            ways[name].go(UNTIMED)
            ways[name].speeds.clear()
            ways[name].waited.clear()
            print(f"{name}: ready after {time.perf_counter() - began:.0f} s", flush=True)
        for name in list(ways) * rounds:
            ways[name].go(steps)
        rows = "\n".join(row(name, way, ways["eager fp32"]) for name, way in ways.items())
        default = next((name for name, speed in WAYS.items() if speed == run.speed), str(run.speed))
        ways.clear()
        memory = room(run, folder, data) if torch.cuda.is_available() else ""
    numbers = {"preset": preset, "batch": batch, "rounds": rounds, "steps": steps}
    text = TEXT.format(machine=about, rows=rows, default=default, memory=memory, **numbers)
    publish("train_step", text)


if __name__ == "__main__":
    main()
