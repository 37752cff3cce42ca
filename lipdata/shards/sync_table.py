"""sync.csv: by how many frames the sound of each clip is late, and how sure that is. ``lipmodel sync`` writes it."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from lipdata.atomic_files import write_atomic
from lipdata.corpus import ManifestRow
from lipdata.errors import LipdataError
from lipdata.shards.ledger import OK

# Where it lies in a shard folder.
SYNC_FILE = "sync.csv"
# The ledger's seconds are rounded, and so are those of whoever writes the table.
SAME_S = 1e-3


@dataclass(frozen=True)
class SyncEntry:
    """Offset and confidence of one clip. Where there is no answer, ``reason`` says why and all figures are None.

    Attributes:
        sha256: of the clip's source file, as its shard has it.
        offset_frames: how late the sound is; positive: the mouth moves before its sound.
        distance: 1 - cosine at the best shift, 0 to 2.
        confidence: the best cosine less the median over the shifts.
        confidence_sd: the best cosine less the second best more than 3 frames away, in standard deviations of foreign
            pairs from their mean.
        offset_min, offset_max: of the confident windows of 2 s; None where none is.
        moved_s: by how much the measured sound had been moved earlier: the ledger's ``sync_offset_s``. So in the
            source file the sound is late by ``moved_s + offset_frames / fps``.
        reason: empty where there is an answer.
    """

    clip_id: str
    sha256: str
    fps: int
    n_frames: int
    offset_frames: float | None = None
    distance: float | None = None
    confidence: float | None = None
    confidence_sd: float | None = None
    offset_min: float | None = None
    offset_max: float | None = None
    moved_s: float = 0.0
    reason: str = ""


TEXTS = ("clip_id", "sha256", "reason")
COUNTS = ("fps", "n_frames")
ANSWER = ["offset_frames", "distance", "confidence", "confidence_sd"]
WINDOWS = ["offset_min", "offset_max"]
SYNC_FIGURES = ANSWER + WINDOWS
COLUMNS = [field.name for field in fields(SyncEntry)]


def write_sync(path: Path, entries: Sequence[SyncEntry]) -> None:
    """Write the table, sorted by clip_id, UTF-8 and LF; figures as they are, so round them before.

    Raises:
        LipdataError: as of :func:`read_sync`; nothing is written.
    """
    ordered = sorted(entries, key=lambda entry: entry.clip_id)
    table = pd.DataFrame([asdict(entry) for entry in ordered], columns=COLUMNS)
    content = table.to_csv(index=False, lineterminator="\n").encode()
    _parse(content, path)
    write_atomic(path, content)


def read_sync(path: Path) -> pd.DataFrame:
    """The table: text columns as text, ``fps`` and ``n_frames`` as integers, figures as floats, NaN where empty.

    Raises:
        LipdataError: it is missing, or no such table: other columns, a figure that is no finite number, a clip that
            stands twice, figures together with a reason, or neither.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LipdataError(f"cannot read {path}: {error.strerror}; make one with: lipmodel sync SHARDS") from error
    return _parse(content, path)


def sync_of(path: Path, rows: Iterable[ManifestRow], ledger: pd.DataFrame) -> pd.DataFrame:
    """The table of a shard folder's clips, refused where it is of other shards.

    Args:
        rows: the folder's manifest, as used.
        ledger: the folder's.

    Raises:
        LipdataError: as of :func:`read_sync`; or the table has other clips than those that are ok, or of one of them
            another sha256, n_frames, fps, or another ``moved_s`` than the ledger's ``sync_offset_s``.
    """
    table = read_sync(path)
    digests = pd.DataFrame([(row.clip_id, row.sha256) for row in rows], columns=["clip_id", "sha256"], dtype=str)
    ok = ledger[ledger.status == OK].merge(digests, on="clip_id", how="left")
    odd = min(set(table.clip_id) ^ set(ok.clip_id), default=None)
    if odd is not None:
        _refuse(path, odd, f"stands in the {'table' if odd in set(table.clip_id) else 'shards'} alone")
    both = table.merge(ok, on="clip_id", suffixes=("", "_shard"))
    for differs, what in (
        (both.sha256 != both.sha256_shard, "was measured in another file"),
        (both.n_frames != both.n_frames_shard, "has another number of frames"),
        ((both.n_frames / both.fps - both.seconds).abs() > SAME_S, "has another frame rate"),
        ((both.moved_s - both.sync_offset_s).abs() > SAME_S, "was measured before its sound was moved, or moved back"),
    ):
        if differs.any():
            _refuse(path, both.clip_id[differs].iloc[0], what)
    return table


def _refuse(path: Path, clip_id: str, what: str) -> None:
    again = f"lipmodel sync {path.parent} --overwrite"
    raise LipdataError(f"{path} is of other shards: {clip_id!r} {what}; take it away, or measure again: {again}")


def _parse(content: bytes, path: Path) -> pd.DataFrame:
    try:
        # All as text first: a clip called "nan" or "1/7" keeps its name, and a figure that is none is noticed.
        table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    except ValueError as error:  # pandas' ParserError, and bytes that are no UTF-8
        raise LipdataError(f"{path} is no sync table: {' '.join(str(error).split())}") from error
    if list(table.columns) != COLUMNS:
        found = ", ".join(map(repr, table.columns))
        raise LipdataError(f"{path} is no sync table: columns {found}; wanted {', '.join(COLUMNS)}")
    if table.isna().any(axis=None):
        raise LipdataError(f"{path} is no sync table: a row lacks columns; measure again with lipmodel sync")
    for name in [name for name in COLUMNS if name not in TEXTS]:
        table[name] = _numbers(table, name, path)
    table = table.astype(dict.fromkeys(COUNTS, int))
    for wrong, what in _rules(table):
        _require_none(table, wrong, what, path)
    return table


def _numbers(table: pd.DataFrame, name: str, path: Path) -> pd.Series:
    empty = table[name] == ""
    numbers = pd.to_numeric(table[name].mask(empty), errors="coerce").astype(float)
    may_be_empty = name in SYNC_FIGURES
    wrong = ~np.isfinite(numbers) & ~(empty & may_be_empty)
    if name in COUNTS:
        wrong |= (numbers < 1) | (numbers > 2**31) | (numbers % 1 != 0)
    allowed = "a whole number from 1" if name in COUNTS else "a number" + " or nothing" * may_be_empty
    _require_none(table, wrong, f"{name} is not {allowed}", path)
    return numbers


def _rules(table: pd.DataFrame) -> list[tuple[pd.Series, str]]:
    figures = table[SYNC_FIGURES].notna()
    answered = figures[ANSWER].all(axis=1) & (figures.offset_min == figures.offset_max)
    return [
        (table.clip_id.duplicated(), "the clip stands twice"),
        (~table.sha256.str.fullmatch("[0-9a-f]{64}"), "sha256 is not 64 hexadecimal digits"),
        ((table.reason == "") & ~answered, "neither all figures nor a reason why there are none"),
        ((table.reason != "") & figures.any(axis=1), "a reason why there is no answer, and figures"),
        (table.offset_frames.abs() >= table.n_frames, "offset_frames is not less than n_frames"),
        (table.moved_s.abs() >= table.n_frames / table.fps, "moved_s is not less than the clip's length"),
    ]


def _require_none(table: pd.DataFrame, wrong: pd.Series, what: str, path: Path) -> None:
    if wrong.any():
        clip_id = table.clip_id[wrong].iloc[0]
        raise LipdataError(f"{path} is no sync table: {clip_id!r}: {what}; measure again with lipmodel sync")
