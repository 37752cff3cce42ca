"""A table that reads well on a terminal and in a Markdown file."""

from collections.abc import Sequence

from lipmodel.evaluation.aggregate import METRICS
from lipmodel.evaluation.bootstrap import Mean

TITLES = {
    "lmd": "LMD",
    "ssim": "SSIM",
    "psnr": "PSNR",
    "cpbd": "CPBD",
    "sync_distance": "sync distance",
    "sync_confidence": "sync confidence",
    "lmd_template": "LMD template",
    "psnr_uint8": "PSNR uint8",
}
DECIMALS = dict.fromkeys(TITLES, 3) | {"psnr": 2, "lmd_template": 2, "psnr_uint8": 2}


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, the first to the left, all others to the right.

    Example:
        >>> print(markdown_table(["video", "LMD"], [["still", "0.61"]]))
        | video |  LMD |
        |-------|-----:|
        | still | 0.61 |
    """
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    rule = "|".join("-" * (width + 2) if n == 0 else "-" * (width + 1) + ":" for n, width in enumerate(widths))
    lines = [_line(header, widths), f"|{rule}|", *(_line(row, widths) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |"


def format_mean(name: str, mean: Mean) -> str:
    """A mean with its interval, as ``0.612 [0.580, 0.645]``."""
    if mean.mean is None:
        return "none"
    interval = f" [{format_metric(name, mean.low)}, {format_metric(name, mean.high)}]" if mean.low is not None else ""
    return format_metric(name, mean.mean) + interval


def format_metric(name: str, value: float | None) -> str:
    """A value of a metric with as many decimals as mean something; empty where there is none."""
    if value is None:
        return ""
    return "∞" if value == float("inf") else f"{value:.{DECIMALS[name]}f}"


def metric_titles(names: Sequence[str] = METRICS) -> list[str]:
    """The headings of metrics."""
    return [TITLES[name] for name in names]
