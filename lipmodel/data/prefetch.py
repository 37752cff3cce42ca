"""Batches read ahead by threads, while the last one is learned from."""

import weakref
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice

import torch
from torch import Tensor

from lipmodel.data.sampler import BatchIndex
from lipmodel.data.windows import Allocate, WindowDataset


def read_ahead(
    windows: WindowDataset, indices: Iterable[BatchIndex], threads: int, device: torch.device
) -> Iterator[dict[str, Tensor]]:
    """The batches of ``indices``, in order, on ``device``.

    Copying out of a mapped file needs no GIL, so threads do, and no batch passes from process to process. Threads end
    with the iterator, however it ends: done, closed, dropped, or by an error, which reaches the caller as it was.

    Args:
        threads: that read; they are at most ``threads`` batches ahead. With 0 the caller reads.
    """
    read = partial(windows.read, empty=_memory(device))
    if not threads:
        yield from (to_device(device, read(index)) for index in indices)
        return
    coming: deque[Future[dict[str, Tensor]]] = deque()
    left = iter(indices)
    pool = ThreadPoolExecutor(threads, "read-ahead")
    try:
        coming.extend(pool.submit(read, index) for index in islice(left, threads))
        while coming:
            batch = coming.popleft().result()
            coming.extend(pool.submit(read, index) for index in islice(left, 1))
            yield to_device(device, batch)
    finally:
        pool.shutdown(cancel_futures=True)


class RecycledMemory:
    """Memory that is given out again once no tensor lies on it any more.

    Fresh memory can cost as much as reading into it: the system hands it out, cleared, page by page.
    """

    def __init__(self) -> None:
        self._spare: dict[tuple[tuple[int, ...], torch.dtype], list[Tensor]] = defaultdict(list)

    def empty(self, shape: tuple[int, ...], *, dtype: torch.dtype) -> Tensor:
        """Like ``torch.empty``."""
        spare = self._spare[shape, dtype]
        try:
            block = spare.pop()
        except IndexError:
            block = torch.empty(shape, dtype=dtype)
        lent = block.numpy()  # lives as long as the last tensor that looks at it
        weakref.finalize(lent, spare.append, block).atexit = False
        return torch.from_numpy(lent)


def _memory(device: torch.device) -> Allocate:
    # torch uses pinned memory again by itself, and waits for the copy to the GPU before it does.
    return partial(torch.empty, pin_memory=True) if device.type == "cuda" else RecycledMemory().empty


def to_device(device: torch.device, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The batch on ``device``; bytes travel, floats are made there."""
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
