"""HDF5 shards: written whole, checked when opened, mapped into memory; the ledger of every clip; the sync table.

Takes ``Clip`` records; gives them back from a ``ShardFolder``, a mapping from clip id to clip, or, to read
fast, from ``Shard.array``. Windows and splits are not stored.
"""

from lipdata.shards.clip import Clip, ClipPlace
from lipdata.shards.folder import ClipNotFoundError, ShardFolder
from lipdata.shards.ledger import FAILED, OK, UNMATCHED, LedgerEntry, ledger_entries, read_ledger, write_ledger
from lipdata.shards.reader import Shard, content_sha256, open_shards
from lipdata.shards.schema import FORMAT, PER_CLIP, STRIDE, VERSION, WINDOW, n_windows
from lipdata.shards.summary import Summary, summarise
from lipdata.shards.sync_counts import (
    BEYOND_FRAMES,
    CONFIDENT_SD,
    SyncCounts,
    count_sync,
    is_beyond,
    is_confident,
    sound_offset_s,
)
from lipdata.shards.sync_table import SYNC_FILE, SyncEntry, read_sync, sync_of, write_sync
from lipdata.shards.writer import write_shard

__all__ = [
    "BEYOND_FRAMES",
    "CONFIDENT_SD",
    "FAILED",
    "FORMAT",
    "OK",
    "PER_CLIP",
    "STRIDE",
    "SYNC_FILE",
    "UNMATCHED",
    "VERSION",
    "WINDOW",
    "Clip",
    "ClipNotFoundError",
    "ClipPlace",
    "LedgerEntry",
    "Shard",
    "ShardFolder",
    "Summary",
    "SyncCounts",
    "SyncEntry",
    "content_sha256",
    "count_sync",
    "is_beyond",
    "is_confident",
    "ledger_entries",
    "n_windows",
    "open_shards",
    "read_ledger",
    "read_sync",
    "sound_offset_s",
    "summarise",
    "sync_of",
    "write_ledger",
    "write_shard",
    "write_sync",
]
