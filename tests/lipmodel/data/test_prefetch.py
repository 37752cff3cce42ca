"""Batches read ahead by threads: order, memory, errors, end."""

import gc
import shutil
import threading

import h5py
import numpy as np
import pytest
import torch

from lipdata.errors import LipdataError
from lipdata.shards.reader import open_shards
from lipmodel.data.prefetch import RecycledMemory, read_ahead
from lipmodel.data.sampler import BatchSampler
from lipmodel.data.windows import WindowDataset

CPU = torch.device("cpu")


def windows_of(folder) -> WindowDataset:
    shards = open_shards(folder)
    clip_ids = {clip.clip_id for shard in shards for clip in shard.clips}
    return WindowDataset(shards, clip_ids=clip_ids, parts=("video", "mel", "identity", "mismatched", "flow"))


@pytest.fixture
def windows(shards_folder) -> WindowDataset:
    return windows_of(shards_folder)


def threads_left() -> int:
    return sum(thread.name.startswith("read-ahead") for thread in threading.enumerate())


def indices(windows, end=20):
    return BatchSampler(len(windows), batch=3, seed=7, first=0, end=end)


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_threads_change_nothing(windows, threads):
    # A list holds every batch: none is read into memory that a caller still looks at.
    batches = list(read_ahead(windows, indices(windows), threads, CPU))
    assert len(batches) == 20
    for batch, index in zip(batches, indices(windows), strict=True):
        assert all(torch.equal(batch[name], tensor) for name, tensor in windows[index].items())


@pytest.mark.parametrize("threads", [0, 2])
def test_memory_is_not_used_again_while_a_piece_of_it_is_looked_at(windows, threads):
    rows = [batch["video"][1, 2:4] for batch in read_ahead(windows, indices(windows), threads, CPU)]
    gc.collect()
    for row, index in zip(rows, indices(windows), strict=True):
        assert torch.equal(row, windows[index]["video"][1, 2:4])


def test_memory_is_given_out_again_once_nobody_looks_at_it():
    reused = RecycledMemory()
    first, second = (reused.empty((1 << 20,), dtype=torch.uint8) for _ in range(2))
    place, view = first.data_ptr(), first[5:]
    del first
    assert reused.empty((1 << 20,), dtype=torch.uint8).data_ptr() not in (place, second.data_ptr())
    del view
    in_its_place = torch.empty(1 << 20, dtype=torch.uint8)  # what malloc had of it would be taken now
    assert reused.empty((1 << 20,), dtype=torch.uint8).data_ptr() == place != in_its_place.data_ptr()


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_it_reads_no_more_than_threads_batches_ahead(windows, threads):
    asked = []
    batches = read_ahead(windows, (asked.append(index) or index for index in indices(windows)), threads, CPU)
    for given in range(1, 11):
        next(batches)
        assert len(asked) == given + threads
    batches.close()


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_reaches_the_caller_as_it_was(shards_folder, tmp_path, threads):
    shutil.copytree(shards_folder, tmp_path, dirs_exist_ok=True)
    with h5py.File(tmp_path / "grid-00000.h5", "r+") as file:
        file["mel"][0] = np.nan
    windows = windows_of(tmp_path)
    with pytest.raises(LipdataError, match="mel of s1/a holds NaN or infinity in frames 0 to 15"):
        list(read_ahead(windows, indices(windows), threads, CPU))
    assert threads_left() == 0


def test_an_error_of_the_indices_reaches_the_caller_too(windows):
    def broken():
        yield from indices(windows, end=3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(read_ahead(windows, broken(), 2, CPU))
    assert threads_left() == 0


@pytest.mark.parametrize("end", ["closed", "dropped", "interrupted", "done"])
def test_threads_end_with_the_iterator(windows, end):
    batches = read_ahead(windows, indices(windows, end=1_000_000 if end != "done" else 5), 2, CPU)
    next(batches)
    assert threads_left() == 2
    if end == "closed":
        batches.close()
    elif end == "dropped":
        del batches
    elif end == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            batches.throw(KeyboardInterrupt)
    else:
        assert len(list(batches)) == 4
    assert threads_left() == 0
