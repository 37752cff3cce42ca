"""Talking-face corpora as sharded HDF5: mouth crops, log-mel, optical flow, landmarks.

Example::

    shards = lipdata.ingest("grid/", "shards")
    clip = shards["s1/bbaf2n"]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lipdata.errors import ClipError, LipdataError

if TYPE_CHECKING:
    from lipdata.ingestion import ingest, load_clip
    from lipdata.shards import Clip, ShardFolder
    from lipdata.shards import ShardFolder as open

__all__ = ["Clip", "ClipError", "LipdataError", "ShardFolder", "ingest", "load_clip", "open"]

# Loaded at first use: a command that prints its help need not load dlib.
_ROOMS = {
    "Clip": "lipdata.shards",
    "ShardFolder": "lipdata.shards",
    "ingest": "lipdata.ingestion",
    "load_clip": "lipdata.ingestion",
}


def __getattr__(name: str) -> Any:
    if name == "open":
        return import_module("lipdata.shards").ShardFolder
    if name in _ROOMS:
        return getattr(import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'lipdata' has no attribute {name!r}")
