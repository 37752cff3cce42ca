"""What a stage leaves to be read: metrics.jsonl, TensorBoard events, log.txt, samples/, and lines or a bar to watch."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from lipdata.atomic_files import write_atomic
from lipmodel.images import write_png

SAMPLES = "samples"


class TrainingLogger:
    """The log of one stage.

    Args:
        folder: of the stage.
        name: of the stage.
        first: steps done before; what an interrupted run wrote of later steps is taken out.
        steps: steps in all.
    """

    def __init__(self, folder: Path, name: str, *, first: int, steps: int) -> None:
        self._metrics = folder / "metrics.jsonl"
        self._samples = folder / SAMPLES
        _keep_up_to(self._metrics, first)
        self._log = (folder / "log.txt").open("a", buffering=1, encoding="utf-8")
        self._board = SummaryWriter(folder, purge_step=first + 1)
        self._console = Console(stderr=True)
        self._name = name
        shown = TextColumn(name), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}")
        times = TimeElapsedColumn(), TimeRemainingColumn()
        self._bar = Progress(*shown, *times, console=self._console, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=steps, completed=first)

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

    def advance(self) -> None:
        """One step further."""
        self._bar.advance(self._task)

    def write(self, step: int, losses: Mapping[str, float], pace: Mapping[str, float]) -> None:
        """One line of metrics.jsonl, and the same for TensorBoard and the eye.

        Args:
            pace: ``windows_per_s``, and ``waiting``, the share of the time spent waiting for data.
        """
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **losses, **pace}) + "\n")
        for name, value in {**losses, **pace}.items():
            self._board.add_scalar(name, value, step)
        values = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
        speed = f"{pace['windows_per_s']:.1f} windows/s  {pace['waiting']:.0%} waiting"
        self.say(f"{self._name} {step}  {values}  {speed} for data")
        # The rest of the losses stands in the line above: a bar must fit into a narrow terminal.
        first = "total" if "total" in losses else next(iter(losses))
        self._bar.update(self._task, description=f"{first} {losses[first]:.3f}  {speed}")

    def show(self, step: int, picture: np.ndarray) -> None:
        """A picture as ``samples/step-N.png`` and for TensorBoard, RGB [shape=(H, W, 3), uint8]."""
        self._samples.mkdir(exist_ok=True)
        write_png(self._samples / f"step-{step}.png", picture)
        self._board.add_image("samples", picture, step, dataformats="HWC")


def _keep_up_to(metrics: Path, step: int) -> None:
    if metrics.exists():
        lines = [line for line in metrics.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        write_atomic(metrics, b"".join(line for line in lines if json.loads(line)["step"] <= step))
