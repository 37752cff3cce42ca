"""The page that a benchmark leaves in docs/benchmarks, and the machine it was measured on."""

import os
import platform
from pathlib import Path

import torch


def processor() -> str:
    """The CPU's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line for line in lines if line.startswith("model name")).split(": ")[1]


def machine() -> str:
    """What was measured on, and how busy it was with other work as the measuring began."""
    gpu = f"{torch.cuda.get_device_name()}; " if torch.cuda.is_available() else ""
    load = f"load average {os.getloadavg()[0]:.1f} before the first round"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"Machine: {gpu}{processor()}, {os.cpu_count()} cores, {load}; {versions}."


def publish(name: str, text: str) -> None:
    """Write ``docs/benchmarks/NAME.md``, and print it."""
    folder = Path("docs/benchmarks")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)
    print(text)
