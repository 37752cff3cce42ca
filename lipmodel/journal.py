"""What a run leaves to be read: metrics.jsonl, TensorBoard events, log.txt, and lines or a bar on the terminal."""

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from lipdata.errors import LipdataError
from lipdata.files import write_whole


class Journal:
    """The journal of one run folder.

    Losses are added up where they lie; only a logged step fetches them from the device.

    Args:
        folder: the run folder.
        first: steps done before; what an interrupted run wrote of later steps is taken out.
        steps: steps in all.
        batch: windows a step.
    """

    def __init__(self, folder: Path, *, first: int, steps: int, batch: int) -> None:
        self._metrics = folder / "metrics.jsonl"
        _keep_up_to(self._metrics, first)
        self._log = (folder / "log.txt").open("a", buffering=1, encoding="utf-8")
        self._board = SummaryWriter(folder, purge_step=first + 1)
        self._console = Console(stderr=True)
        shown = TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}")
        self._bar = Progress(*shown, TimeRemainingColumn(), console=self._console, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=steps, completed=first)
        self._batch = batch
        self._began_anew()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._board.close()
        self._log.close()

    def say(self, line: str) -> None:
        """A line for log.txt and the terminal."""
        self._log.write(line + "\n")
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def timed(self, batches: Iterable[Mapping[str, Tensor]]) -> Iterator[Mapping[str, Tensor]]:
        """The same batches, with the time that is spent waiting for them counted."""
        iterator = iter(batches)
        while True:
            self._asked_s = time.perf_counter()
            batch = next(iterator, None)
            self._waited_s += time.perf_counter() - self._asked_s
            if batch is None:
                return
            yield batch

    def count(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of one step."""
        for name, loss in losses.items():
            self._sums[name] = self._sums[name] + loss if name in self._sums else loss
        self._counted += 1
        self._spent_s += time.perf_counter() - self._asked_s
        self._bar.advance(self._task)

    def log(self, step: int, extra: Mapping[str, float]) -> None:
        """Write the mean of the losses since the last logged step, and ``extra``.

        Raises:
            LipdataError: a loss is not finite.
        """
        began = time.perf_counter()
        means = {name: (total / self._counted).item() for name, total in self._sums.items()}
        # A GPU runs behind the program: what .item() waits for is time spent on the steps as well.
        spent_s = self._spent_s + time.perf_counter() - began
        for name, mean in means.items():
            if not math.isfinite(mean):
                raise LipdataError(f"step {step}: loss {name} is {mean}; go on from the last checkpoint with --resume")
        losses = {**means, **extra}
        pace = {"windows_per_s": self._counted * self._batch / spent_s, "waiting": self._waited_s / spent_s}
        self._write(step, losses, pace)
        self._began_anew()

    def _write(self, step: int, losses: Mapping[str, float], pace: Mapping[str, float]) -> None:
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **losses, **pace}) + "\n")
        for name, value in {**losses, **pace}.items():
            self._board.add_scalar(name, value, step)
        told = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
        line = f"{told}  {pace['windows_per_s']:.1f} windows/s  {pace['waiting']:.0%} waiting for data"
        if self._bar.disable:
            self.say(f"step {step}  {line}")
        else:
            self._log.write(f"step {step}  {line}\n")
            self._bar.update(self._task, description=line)

    def _began_anew(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counted = 0
        self._waited_s = 0.0
        self._spent_s = 0.0


def _keep_up_to(metrics: Path, step: int) -> None:
    if metrics.exists():
        lines = [line for line in metrics.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        write_whole(metrics, b"".join(line for line in lines if json.loads(line)["step"] <= step))
