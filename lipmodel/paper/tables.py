"""The paper's Tables 2 and 3 in their own layout, the paper's numbers beside ours, and all of ours as CSV."""

from collections.abc import Callable, Mapping

import pandas as pd

from lipmodel.evaluation import (
    METRICS,
    MODEL,
    STILL,
    TABLE_2,
    TABLE_3,
    TITLES,
    TRUTH,
    Evaluation,
    Means,
    PublishedRow,
    format_metric,
    markdown_table,
)
from lipmodel.losses import default_weights
from lipmodel.variants import VARIANTS, Variant

Table = Callable[[Mapping[str, Evaluation]], str]


def _weight(variant: Variant, loss: str) -> float:
    return default_weights(variant)[loss]


# A line of Table 2 -> whether a variant has what it names.
PARTS: dict[str, Callable[[Variant], bool]] = {
    "l_pix": lambda v: _weight(v, "pixel") > 0,
    "l_perc": lambda v: _weight(v, "perc") > 0,
    "l_corr, derivative": lambda v: _weight(v, "corr") > 0 and v.switches.correlated == "derivative",
    "l_corr, non-derivative": lambda v: _weight(v, "corr") > 0 and v.switches.correlated == "direct",
    "l_sync": lambda v: _weight(v, "sync") > 0,
    "l_expert": lambda v: _weight(v, "expert") > 0,
    "l_gen, three-stream": lambda v: _weight(v, "gen") > 0 and v.switches.motion == "flow",
    "l_gen, two-stream": lambda v: _weight(v, "gen") > 0 and v.switches.motion == "none",
    "l_gen, frame difference": lambda v: _weight(v, "gen") > 0 and v.switches.motion == "difference",
}
NAMES = {"vondrick": "Vondrick et al.", "chung": "Chung et al.", "e": "full model"}
PAPERS = " paper"


def table_2(found: Mapping[str, Evaluation]) -> str:
    """A column for every variant; lines for its parts, for our measures and, on GRID, for the paper's (a to i)."""
    videos = _videos(found)
    published = TABLE_2 if next(iter(found.values())).corpus == "grid" else {}
    rows = [
        [part, "", "", *("x" if has(VARIANTS[variant]) else "" for variant in found)] for part, has in PARTS.items()
    ]
    for name in METRICS:
        rows.append([TITLES[name], *(format_metric(name, means[name].mean) for means in videos.values())])
        printed = [format_metric(name, published.get(video, {}).get(name)) for video in videos]
        if any(printed):
            rows.append([TITLES[name] + PAPERS, *printed])
    return markdown_table(["", *videos], rows)


def table_3(found: Mapping[str, Evaluation]) -> str:
    """A line for every method; to the right of a measure that the paper has too, the paper's."""
    corpus = next(iter(found.values())).corpus
    published = TABLE_3.get(corpus, {})
    both = [name for name in METRICS if any(name in row for row in published.values())]
    header = ["", *(title for name in METRICS for title in _pair(TITLES[name], TITLES[name] + PAPERS, name in both))]
    rows = []
    for video, means in _videos(found).items():
        row: PublishedRow = published.get(video, {})
        cells = (
            _pair(format_metric(name, means[name].mean), format_metric(name, row.get(name)), name in both)
            for name in METRICS
        )
        rows.append([NAMES.get(video, video), *(cell for pair in cells for cell in pair)])
    return markdown_table(header, rows)


def as_csv(found: Mapping[str, Evaluation]) -> bytes:
    """One line for every video and metric: mean, its interval, and over how many clips."""
    rows = [
        {"video": video, "metric": name, "mean": mean.mean, "low": mean.low, "high": mean.high, "clips": mean.clips}
        for video, means in _videos(found).items()
        for name, mean in means.items()
    ]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n").encode()


def _videos(found: Mapping[str, Evaluation]) -> dict[str, Means]:
    """Ground truth and still, which are the same for all variants, then the variants."""
    first = next(iter(found.values()))
    models = {variant: each.videos[MODEL] for variant, each in found.items()}
    return {TRUTH: first.videos[TRUTH], STILL: first.videos[STILL]} | models


def _pair(ours: str, papers: str, with_papers: bool) -> list[str]:
    return [ours, papers] if with_papers else [ours]
