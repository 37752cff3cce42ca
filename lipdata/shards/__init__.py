"""HDF5 shards: written whole, checked when opened, mapped into memory; and the ledger of every clip.

Takes ``Clip`` records; gives them back from a ``ShardFolder``, a mapping from clip id to clip, or, to read
fast, from ``Shard.array``. Windows and splits are not stored.
"""

from lipdata.shards.clip import Clip, ClipPlace
from lipdata.shards.folder import ClipNotFoundError, ShardFolder
from lipdata.shards.ledger import FAILED, OK, UNMATCHED, LedgerEntry, ledger_entries, read_ledger, write_ledger
from lipdata.shards.reader import Shard, content_sha256, open_shards
from lipdata.shards.schema import FORMAT, PER_CLIP, STRIDE, VERSION, WINDOW, n_windows
from lipdata.shards.summary import Summary, summarise
from lipdata.shards.writer import write_shard

__all__ = [
    "FAILED",
    "FORMAT",
    "OK",
    "PER_CLIP",
    "STRIDE",
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
    "content_sha256",
    "ledger_entries",
    "n_windows",
    "open_shards",
    "read_ledger",
    "summarise",
    "write_ledger",
    "write_shard",
]
