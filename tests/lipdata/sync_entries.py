"""Sync tables written by hand."""

from pathlib import Path

import lipdata as api
from lipdata.shards import SyncEntry


def entries_of(shards: Path) -> list[SyncEntry]:
    """An entry for every clip of a folder: on time, and confident."""
    folder = api.open(shards)
    return [
        SyncEntry(place.clip_id, place.sha256, 25, place.length, 0.0, 0.2, 0.5, 8.0, -0.1, 0.1)
        for shard in folder.shards
        for place in shard.clips
    ]
