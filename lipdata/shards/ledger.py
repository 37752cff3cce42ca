"""The ledger: one row for every clip of the manifest, whatever became of it. found = ok + failed, always.

Beside these, one row for every media file of the corpus folder that fits no layout, counted apart.
"""

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from lipdata.atomic_files import write_atomic
from lipdata.errors import LipdataError

# A media file that fits no layout has a row too, and is no clip.
OK, FAILED, UNMATCHED = "ok", "failed", "unmatched"


@dataclass(frozen=True)
class LedgerEntry:
    """What became of one clip.

    Attributes:
        stage: the room that refused it; empty where it is ok.
        reason: why it failed, or, of a clip that is ok, what the decoder complained of.
        shard: the file it lies in, from frame ``start`` for ``n_frames``; empty, 0 and 0 where it failed.
        av_offset_s: how much later than the picture its sound began, before both were put on one clock.
        seconds: its length.
        sync_offset_s: by how much ``--sync-csv`` moved its sound earlier.
    """

    clip_id: str
    status: str
    stage: str = ""
    reason: str = ""
    shard: str = ""
    start: int = 0
    n_frames: int = 0
    faces_detected: int = 0
    frames_interpolated: int = 0
    av_offset_s: float = 0.0
    seconds: float = 0.0
    sync_offset_s: float = 0.0


TEXTS = ("clip_id", "status", "stage", "reason", "shard")
COLUMNS = [field.name for field in fields(LedgerEntry)]


def write_ledger(path: Path, entries: Sequence[LedgerEntry]) -> None:
    """Write the ledger, sorted by clip_id, UTF-8 and LF."""
    ordered = sorted(entries, key=lambda entry: entry.clip_id)
    table = pd.DataFrame([asdict(entry) for entry in ordered], columns=COLUMNS)
    write_atomic(path, table.to_csv(index=False, lineterminator="\n").encode())


def read_ledger(path: Path) -> pd.DataFrame:
    """The ledger as a table; ``sync_offset_s`` is 0.0 where a ledger was written before there was that column.

    Raises:
        LipdataError: it is missing, or no ledger.
    """
    try:
        # The text columns by name: a clip called "nan" or "1/7" keeps its name.
        table = pd.read_csv(io.BytesIO(path.read_bytes()), dtype=dict.fromkeys(TEXTS, str), keep_default_na=False)
    except OSError as error:
        raise LipdataError(
            f"cannot read {path}: {error.strerror}; is {path.parent} a folder made by ingest?"
        ) from error
    except (ValueError, pd.errors.ParserError) as error:
        raise LipdataError(f"{path} is no ledger: {' '.join(str(error).split())}") from error
    if list(table.columns) == COLUMNS[:-1]:
        table[COLUMNS[-1]] = 0.0
    if list(table.columns) != COLUMNS:
        raise LipdataError(f"{path} is no ledger: columns {', '.join(table.columns)}; wanted {', '.join(COLUMNS)}")
    for name in [name for name in COLUMNS if name not in TEXTS]:
        if not pd.api.types.is_numeric_dtype(table[name]) or not np.isfinite(table[name]).all():
            raise LipdataError(f"{path} is no ledger: column {name} holds something that is no number; ingest again")
    # An unmatched file's path may read like a clip id, or like another path once unprintable letters are replaced.
    clip_ids = table.clip_id[table.status != UNMATCHED]
    doubled = clip_ids[clip_ids.duplicated()]
    if len(doubled):
        raise LipdataError(f"{path} is no ledger: {doubled.iloc[0]} stands in it twice; ingest again")
    return table


def ledger_entries(table: pd.DataFrame) -> list[LedgerEntry]:
    """A ledger's rows as they were written."""
    return [LedgerEntry(**row) for row in table.to_dict("records")]
