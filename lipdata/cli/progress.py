"""Progress on stderr: a bar where a person looks, plain lines where a log is written."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

# Seconds between two lines of a log.
LINE_EVERY_S = 10.0


@contextmanager
def ingest_progress_bar() -> Iterator[Callable[[int, int, int], None]]:
    """Yields a function to call with (clips done, of them failed, clips in all).

    It shows them, clips a second and the time left.
    """
    started = time.monotonic()
    if sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[red]{task.fields[failed]} failed[/red] · {task.fields[rate]:.1f} clips/s ·"),
            TimeElapsedColumn(),
            TextColumn("· left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("ingest", total=None, failed=0, rate=0.0)

            def show(done: int, failed: int, total: int) -> None:
                bar.update(task, completed=done, total=total, failed=failed, rate=done / (time.monotonic() - started))

            yield show
        return
    yield _Lines(started).show


@contextmanager
def read_progress_bar(total: int) -> Iterator[Callable[[int], None]]:
    """Yields a function to call with the clips done, where they are only read and none can fail."""
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("clips", total=total)
        yield lambda done: bar.update(task, completed=done)


class _Lines:
    def __init__(self, started: float) -> None:
        self.started = self.next_s = started
        self.shown = -1

    def show(self, done: int, failed: int, total: int) -> None:
        now = time.monotonic()
        if done == self.shown or (now < self.next_s and done < total):
            return
        self.shown, self.next_s = done, now + LINE_EVERY_S
        rate = done / max(now - self.started, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if done else ""
        print(f"{done}/{total} clips, {failed} failed, {rate:.1f} clips/s{left}", file=sys.stderr, flush=True)
