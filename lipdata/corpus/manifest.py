"""The manifest: the CSV that says which clips there are and which split each is of. Read, write, validate, split."""

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lipdata.atomic_files import write_atomic
from lipdata.errors import LipdataError

COLUMNS = ("clip_id", "speaker", "split", "path", "sha256", "transcript")
OPTIONAL = ("audio_path", "start_s", "end_s")
SPLITS = ("train", "val", "test", "")
MAX_ID_BYTES, MAX_SPEAKER_BYTES = 128, 64


@dataclass(frozen=True, order=True)
class ManifestRow:
    """One clip of a manifest.

    Attributes:
        clip_id: at most 128 bytes of printable UTF-8, unique; ``speaker/stem`` where there are speakers.
        speaker: at most 64 bytes; empty where the corpus names none.
        split: ``train``, ``val``, ``test`` or empty.
        path: POSIX, relative to the corpus folder.
        sha256: of the file at ``path``, or empty where it was not read yet.
        audio_path: a separate sound file, as ``path``; empty: the sound is in ``path``.
        start_s, end_s: the part of the file to take, in seconds; None: from the beginning, to the end.
        extra: further columns, name and text, kept as they are.
    """

    clip_id: str
    speaker: str
    split: str
    path: str
    sha256: str = ""
    transcript: str = ""
    audio_path: str = ""
    start_s: float | None = None
    end_s: float | None = None
    extra: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _require_text(self.clip_id, "clip_id", MAX_ID_BYTES)
        if self.speaker:
            _require_text(self.speaker, f"{self.clip_id}: speaker", MAX_SPEAKER_BYTES)
        if self.split not in SPLITS:
            raise LipdataError(f"{self.clip_id}: split {self.split!r}; allowed: train, val, test or empty")
        _require_inside(self.path, self.clip_id, "path")
        if self.audio_path:
            _require_inside(self.audio_path, self.clip_id, "audio_path")
        if self.sha256 and not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise LipdataError(f"{self.clip_id}: sha256 {self.sha256!r}; allowed: 64 hexadecimal digits or empty")
        start_s, end_s = self.start_s or 0.0, self.end_s if self.end_s is not None else float("inf")
        if not 0 <= start_s < end_s or self.end_s == float("inf"):
            raise LipdataError(
                f"{self.clip_id}: start_s {self.start_s}, end_s {self.end_s}; allowed: 0 <= start_s < end_s"
            )

    def columns(self) -> dict[str, str | float | None]:
        """All columns of the manifest by name, further ones included."""
        named = {name: getattr(self, name) for name in COLUMNS + OPTIONAL}
        return named | dict(self.extra)


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read and validate a manifest.

    Raises:
        LipdataError: no such file, no CSV, a column that is missing or stands twice, a bad row, a clip_id that stands
            twice.
    """
    header, *records = _read_csv(path)
    missing = set(COLUMNS) - set(header)
    if missing or "" in header or len(set(header)) < len(header):
        what = f"lacks column {min(missing)!r}" if missing else f"has a column twice or without a name: {header}"
        raise LipdataError(f"manifest {path} {what}; columns: {', '.join(COLUMNS)}; optional: {', '.join(OPTIONAL)}")
    rows = []
    for number, record in enumerate(records, start=2):
        try:
            if len(record) != len(header):
                raise LipdataError(f"{len(record)} fields; the header has {len(header)}")
            rows.append(_row(dict(zip(header, record, strict=True))))
        except LipdataError as error:
            raise LipdataError(f"manifest {path}, line {number}: {error}") from error
    if not rows:
        raise LipdataError(f"manifest {path} names no clip; make one with lipdata manifest CORPUS -o CSV")
    require_unique(rows, f"manifest {path}")
    return sorted(rows, key=lambda row: row.clip_id)


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    """Write rows sorted by clip_id, UTF-8, LF; optional columns only where some row uses them."""
    ordered = sorted(rows, key=lambda row: row.clip_id)
    unused = [name for name in OPTIONAL if all(getattr(row, name) in ("", None) for row in ordered)]
    text = io.StringIO(newline="")
    extra = list(dict.fromkeys(name for row in ordered for name, _ in row.extra))
    names = [name for name in COLUMNS + OPTIONAL if name not in unused] + extra
    # csv leaves a bare carriage return unquoted, and then cannot read it.
    table = [row.columns() for row in ordered]
    odd = any("\r" in str(value) for row in table for value in row.values())
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if odd else csv.QUOTE_MINIMAL)
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in table)
    write_atomic(path, text.getvalue().encode())


def require_unique(rows: Iterable[ManifestRow], where: str) -> None:
    """Refuse rows in which a clip_id stands twice, naming it and its paths."""
    rows = list(rows)
    clip_id, count = next(iter(Counter(row.clip_id for row in rows).most_common(1)), ("", 0))
    if count > 1:
        paths = ", ".join(sorted(row.path for row in rows if row.clip_id == clip_id)[:3])
        raise LipdataError(
            f"{where}: clip_id {clip_id} stands {count} times ({paths}); allowed: once; remove or rename"
        )


def split_of(clip_id: str, speaker: str, test_speakers: Iterable[str], val_fraction: float) -> str:
    """The split of a clip, from its own name alone: which other clips are there never matters.

    A rule without test speakers and without a validation share is no rule: the split is empty.
    """
    if speaker in (test_speakers := set(test_speakers)):
        return "test"
    if not test_speakers and not val_fraction:
        return ""
    return "val" if hash_fraction(clip_id) < val_fraction else "train"


def hash_fraction(clip_id: str) -> float:
    """A number in [0, 1) that depends on ``clip_id`` only: the first 8 bytes of its SHA-256 over 2^64."""
    return int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8], "big") / 2**64


def _read_csv(path: Path) -> list[list[str]]:
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        table = [record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record]
    except OSError as error:
        raise LipdataError(f"cannot read manifest {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LipdataError(f"manifest {path} is not UTF-8: byte {error.start}") from error
    except csv.Error as error:
        raise LipdataError(f"manifest {path} is no CSV: {error}") from error
    if not table:
        raise LipdataError(f"manifest {path} is empty; make one with lipdata manifest CORPUS -o CSV")
    return table


def _row(record: dict[str, str]) -> ManifestRow:
    seconds: dict[str, float | None] = {}
    for name in ("start_s", "end_s"):
        text = record.pop(name, "")
        try:
            seconds[name] = float(text) if text else None
        except ValueError as error:
            raise LipdataError(f"{record['clip_id']}: {name} {text!r} is no number of seconds") from error
    known = {name: record.pop(name) for name in (*COLUMNS, "audio_path") if name in record}
    return ManifestRow(**known, **seconds, extra=tuple(record.items()))  # type: ignore[arg-type]  # all else is text


def _require_text(text: str, name: str, max_bytes: int) -> None:
    if not text.isprintable() or not 0 < len(text.encode()) <= max_bytes:
        raise LipdataError(f"{name} {text!r}; allowed: 1 to {max_bytes} bytes of printable UTF-8")


def _require_inside(path: str, clip_id: str, name: str) -> None:
    pure = PurePosixPath(path)
    drive = re.match(r"[A-Za-z]:/", path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path or drive:
        raise LipdataError(f"{clip_id}: {name} {path!r}; allowed: a POSIX path below the corpus folder, without ..")
    if path.encode("utf-8", "replace").decode() != path:
        raise LipdataError(f"{clip_id}: {name} {path!r} is not UTF-8; rename the file")
