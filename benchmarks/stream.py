"""How many windows a second come out of the shards, beside numpy.memmap, h5py and DataLoader reading the same ones?

    python benchmarks/stream.py SHARDS      # about 3 minutes; writes docs/benchmarks/stream.md

All ways take turns, so that what else the machine does falls on all of them; the shards should fit the page cache.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import click
import h5py
import numpy as np
import torch
from page import machine, publish
from torch.utils.data import DataLoader

from lipdata.shards.reader import Shard, open_shards
from lipdata.shards.schema import STRIDE, WINDOW
from lipmodel.config import PRESETS
from lipmodel.data.prefetch import read_ahead
from lipmodel.data.sampler import BatchIndex, BatchSampler, fixed_sample
from lipmodel.data.windows import WindowDataset

BATCH = PRESETS["paper"].batch
BATCHES, UNTIMED, ROUNDS = 60, 5, 25
PARTS = {
    "for the GAN": ("video", "mel", "identity", "mismatched"),
    "with flow": ("video", "mel", "identity", "mismatched", "flow"),
}
RAW = "numpy.memmap, one window after another"
TEXT = """# Reading the shards

Windows a second, in batches of {batch}, drawn at random from {n_clips} clips, and the share of what `numpy.memmap`
reaches on the same bytes. For the GAN: video, mel, identity and mismatched video, {gan_kib:.0f} KiB a window; with
flow: {flow_kib:.0f} KiB. Medians of {rounds} rounds, in each of which all ways take their turn. Written by
`python benchmarks/stream.py SHARDS`.

{machine}

{table}

The memmap line copies a window to where the last one lay, in the processor's cache, and keeps nothing; the others
leave whole batches. `WindowDataset.__getitems__` is what DataLoader calls with a list of numbers: a batch in fresh
memory, and its windows as views on it. DataLoader reads through the same dataset; its processes pass each batch on
through shared memory that is fresh as well.
"""
Span = tuple[str, int, int, int]
Way = Callable[[], Iterator[object]]


def spans(shards: Sequence[Shard], picks: Sequence[BatchIndex], parts: Sequence[str]) -> list[list[Span]]:
    """What ``WindowDataset`` reads for each batch: dataset, shard, first frame and the frame after the last."""
    places = [
        (number, first, clip)
        for number, shard in enumerate(shards)
        for clip in shard.clips
        for first in range(clip.start, clip.start + clip.length - WINDOW + 1, STRIDE)
    ]

    def of_window(window: int, at: float, other: int) -> Iterator[Span]:
        shard, first, clip = places[window]
        face = clip.start + int(at * clip.length)
        other_shard, other_first, _ = places[other]
        yield "frames", shard, first, first + WINDOW
        yield "mel", shard, first, first + WINDOW
        yield "frames", shard, face, face + 1
        yield "frames", other_shard, other_first, other_first + WINDOW
        if "flow" in parts:
            yield "flow", shard, first, first + WINDOW - 1

    batches = [zip(pick.windows, pick.identity, pick.mismatched, strict=True) for pick in picks]
    return [[span for row in batch for span in of_window(*row)] for batch in batches]


def memmap(arrays: Sequence[Mapping[str, np.ndarray]], batches: Sequence[Sequence[Span]]) -> Iterator[None]:
    for batch in batches:
        for name, shard, first, end in batch:
            np.array(arrays[shard][name][first:end])
        yield


def hdf5(datasets: Sequence[Mapping[str, h5py.Dataset]], batches: Sequence[Sequence[Span]]) -> Iterator[None]:
    for batch in batches:
        for name, shard, first, end in batch:
            datasets[shard][name][first:end]
        yield


def loader(dataset: Any, picks: Sequence[BatchIndex], workers: int) -> Iterator[object]:
    # Forked, so that the processes have the maps.
    context = "fork" if workers else None
    return iter(
        DataLoader(dataset, sampler=picks, batch_size=None, num_workers=workers, multiprocessing_context=context)
    )


def getitems(dataset: WindowDataset, picks: Sequence[BatchIndex]) -> Iterator[object]:
    """As DataLoader calls it, with the numbers of a batch."""
    for pick in picks:
        yield dataset.__getitems__(pick.windows)


def windows_of(shards: Sequence[Shard], parts: Sequence[str]) -> WindowDataset:
    clip_ids = {clip.clip_id for shard in shards for clip in shard.clips}
    return WindowDataset(shards, clip_ids=clip_ids, frames=WINDOW, stride=STRIDE, parts=parts)


def ways(shards: Sequence[Shard], windows: WindowDataset) -> dict[str, Way]:
    """Every way to read the same batches, by its name in the table."""
    picks = list(BatchSampler(len(windows), batch=BATCH, seed=0, first=0, end=BATCHES))
    batches = spans(shards, picks, windows.parts)
    arrays = [{name: shard.array(name) for name in ("frames", "mel", "flow")} for shard in shards]
    files = [h5py.File(shard.path) for shard in shards]
    datasets = [{name: file[name] for name in ("frames", "mel", "flow")} for file in files]
    ours = partial(read_ahead, windows, picks, device=torch.device("cpu"))
    return {
        RAW: partial(memmap, arrays, batches),
        "lipmodel, the caller reads": partial(ours, threads=0),
        "lipmodel, 1 thread ahead": partial(ours, threads=1),
        "lipmodel, 2 threads ahead": partial(ours, threads=2),
        "h5py, one window after another": partial(hdf5, datasets, batches),
        "WindowDataset.__getitems__": partial(getitems, windows, picks),
        "DataLoader, the caller reads": partial(loader, windows, picks, 0),
        "DataLoader, 1 process": partial(loader, windows, picks, 1),
        "DataLoader, 2 processes": partial(loader, windows, picks, 2),
    }


def pace(batches: Iterator[object]) -> float:
    """Windows a second, once the way is under way."""
    for _ in islice(batches, UNTIMED):
        pass
    began_s = time.perf_counter()
    for _ in batches:
        pass
    return (BATCHES - UNTIMED) * BATCH / (time.perf_counter() - began_s)


def table(paces: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Medians of the paces and of their ratios to memmap in the same round, as Markdown."""
    lines = ["| read by | " + " | ".join(f"{name}, windows/s | of memmap" for name in paces) + " |"]
    lines.append("|---" + "|---:" * 2 * len(paces) + "|")
    for way in next(iter(paces.values())):
        cells = []
        for of_parts in paces.values():
            ratios = [pace / raw for pace, raw in zip(of_parts[way], of_parts[RAW], strict=True)]
            cells += [f"{median(of_parts[way]):,.0f}", f"{median(ratios):.2f}"]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(shards: Path) -> None:
    opened, here = open_shards(shards), machine()
    windows = {name: windows_of(opened, parts) for name, parts in PARTS.items()}
    all_ways = {name: ways(opened, some) for name, some in windows.items()}
    paces: dict[str, dict[str, list[float]]] = {name: {way: [] for way in of} for name, of in all_ways.items()}
    for _ in range(ROUNDS):
        for name, of_parts in all_ways.items():
            for way, start in of_parts.items():
                paces[name][way].append(pace(start()))
    gan_kib, flow_kib = (
        sum(part.nbytes for part in some[fixed_sample(len(some), 1)].values()) / 1024 for some in windows.values()
    )
    n_clips = sum(len(shard.clips) for shard in opened)
    text = TEXT.format(
        batch=BATCH,
        n_clips=n_clips,
        gan_kib=gan_kib,
        flow_kib=flow_kib,
        rounds=ROUNDS,
        machine=here,
        table=table(paces),
    )
    publish("stream", text)


if __name__ == "__main__":
    main()
