"""Where the weights that ship lie."""

from importlib import resources
from pathlib import Path

from lipdata.errors import LipdataError

MODELS = ("sync",)


def shipped_weights(name: str) -> Path:
    """The ``.safetensors`` of a model that ships.

    Raises:
        LipdataError: none of this name does.
    """
    return _file(name, "safetensors")


def model_card(name: str) -> str:
    """What a model that ships was made from, how well it does, and what it cannot do; Markdown."""
    return _file(name, "md").read_text("utf-8")


def _file(name: str, suffix: str) -> Path:
    if name not in MODELS:
        raise LipdataError(f"no weights {name!r} come with lipmodel; allowed: {', '.join(MODELS)}")
    return Path(str(resources.files("lipmodel.weights") / f"{name}.{suffix}"))
