"""Where the weights that ship lie."""

from importlib import resources
from pathlib import Path

from lipdata.errors import LipdataError

MODELS = ("sync",)


def shipped_weights(name: str) -> Path:
    """The ``.safetensors`` of a model that ships; its model card lies beside it, with the suffix ``.md``.

    Raises:
        LipdataError: none of this name does.
    """
    if name not in MODELS:
        raise LipdataError(f"no weights {name!r} come with lipmodel; allowed: {', '.join(MODELS)}")
    return Path(str(resources.files("lipmodel.weights") / f"{name}.safetensors"))
