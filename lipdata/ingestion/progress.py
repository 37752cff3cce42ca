"""How far the workers are: each shard in work leaves a line a clip."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lipdata.ingestion.task import TaskResult
from lipdata.shards import FAILED

# Called with (clips done so far, of them failed, clips in all).
ProgressCallback = Callable[[int, int, int], None]
EVERY_S = 0.25


@contextmanager
def report_progress(folder: Path, done: Sequence[TaskResult], total: int, report: ProgressCallback) -> Iterator[None]:
    """Report four times a second what is done: the clips of whole shards, and of those in work.

    Args:
        folder: where the progress files lie.
        done: shards that are whole; it grows meanwhile.
        total: clips in all.
    """
    ended = threading.Event()
    whole: set[str] = set()
    statuses: Counter[str] = Counter()

    def count() -> None:
        # Only what is new: of a corpus of hundreds of thousands of clips, all of them four times a second is too much.
        for result in done[len(whole) :]:
            whole.add(result.name)
            statuses.update(entry.status for entry in result.entries)
        in_work = Counter(line for path in folder.glob("*.progress") if path.stem not in whole for line in _lines(path))
        both = statuses + in_work
        with suppress(OSError):  # the progress display is gone: no reason to end
            report(both.total(), both[FAILED], total)

    def watch() -> None:
        while not ended.wait(EVERY_S):
            count()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        count()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []  # whole in the meantime
