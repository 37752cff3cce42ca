"""A chart for a page: a PNG without paper, once for light and once for dark."""

import io
from collections.abc import Callable

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lipdata.analysis.strips import data_uri

# What a chart is written in, on light and on dark paper.
INK = {"light": "#24292f", "dark": "#d7dce1"}
INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")


def page_chart(draw: Callable[[Axes], None], height_in: float) -> dict[str, str]:
    """The chart by theme, as data URIs, 6.4 x ``height_in`` inches; the same drawing gives the same bytes."""
    return {theme: _png(draw, height_in, ink) for theme, ink in INK.items()}


def _png(draw: Callable[[Axes], None], height_in: float, ink: str) -> str:
    png = io.BytesIO()
    # What a matplotlibrc on this machine says does not matter.
    with style.context(["default", dict.fromkeys(INKED, ink)]):
        figure = Figure(figsize=(6.4, height_in), layout="constrained")
        draw(figure.subplots())
        figure.savefig(png, dpi=180, transparent=True, metadata={"Software": None})
    return data_uri("png", png.getvalue())
