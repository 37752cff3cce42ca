"""What an ingest has done so far, on disk: so that the same command goes on where the last one was stopped.

While an ingest is not finished, its folder holds ``.ingest/``: ``begun.json`` (what was asked for), ``NAME.json`` of
every shard that is whole, ``NAME.tally`` of every shard in work, and the lock. When all is done the folder is removed;
what it held stands in manifest.csv, ledger.csv and dataset.json, and can be worked out from them again.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from lipdata import ledger, manifest, shards
from lipdata.errors import LipdataError
from lipdata.files import remove_leftovers, write_whole
from lipdata.job import Job, Result, rows_digest
from lipdata.ledger import Entry
from lipdata.manifest import Row

FOLDER = ".ingest"
BEGUN = "begun.json"
FINISHED = "dataset.json"


def begin(out: Path, rows: Sequence[Row], plan: Sequence[Job], *, overwrite: bool) -> dict[str, str]:
    """Begin an ingest in ``out``, or go on with the one that stands there.

    Args:
        overwrite: first remove what an ingest has made there.

    Returns:
        The digests of what was asked for.

    Raises:
        LipdataError: ``out`` holds something else, or the shards of another manifest or pipeline.
    """
    asked = {"rows": rows_digest(rows), "pipeline": plan[0].pipeline_digest, "lipdata": metadata.version("lipdata")}
    begun = out / FOLDER / BEGUN
    if overwrite:
        _clear(out)
    elif begun.exists():
        _require_same(out, _read(begun), asked)
    elif (out / FINISHED).exists():
        about = _read(out / FINISHED)
        _require_same(out, about.get("asked", {}), asked)
        _reopen(out, about, plan)
    else:
        _require_none_but(out, FOLDER)
    write_whole(begun, json.dumps(asked).encode())
    for folder in (out, out / FOLDER):
        remove_leftovers(folder)
    for path in (out / FOLDER).glob("*.tally"):
        path.unlink()
    return asked


def finish(out: Path) -> None:
    """Take the record away: all that it held stands in the folder's own files now."""
    # First what says that it is one: were the rest of it left behind, it would be worked out again.
    (out / FOLDER / BEGUN).unlink()
    shutil.rmtree(out / FOLDER)


def keep(job: Job, result: Result) -> None:
    """Write down that a shard is whole."""
    write_whole(_path(job), json.dumps(asdict(result), sort_keys=True).encode())


def known(job: Job) -> Result | None:
    """What was written down of a job, if its shard is there and holds what it held then; else None."""
    try:
        told = json.loads(_path(job).read_bytes())
        entries = tuple(Entry(**entry) for entry in told["entries"])
        result = Result(told["name"], entries, tuple(Row(**row) for row in told["rows"]), told["content_sha256"])
    except (OSError, ValueError, TypeError, KeyError, LipdataError):
        return None
    return result if _holds(job.shard, result.content_sha256) else None


def tally(job: Job) -> Path:
    """The file that grows by a line a clip while a shard is made."""
    return job.out / FOLDER / f"{job.name}.tally"


def _path(job: Job) -> Path:
    return job.out / FOLDER / f"{job.name}.json"


def _holds(shard: Path, content_sha256: str) -> bool:
    if not content_sha256:
        return not shard.exists()
    try:
        return shards.content_sha256(shard) == content_sha256
    except (LipdataError, OSError):
        return False


def _clear(out: Path) -> None:
    """Remove what an ingest has made in ``out``, and nothing else; refuse a folder in which none has."""
    if not (out / FINISHED).exists() and not (out / FOLDER / BEGUN).exists():
        _require_none_but(out, FOLDER)
    remove_leftovers(out)
    for path in out.glob("*.h5"):
        # Somebody may have put a file of his own beside the shards.
        if re.fullmatch(r"[a-z0-9_]+-\d{5}\.h5", path.name):
            path.unlink()
    for path in (out / FOLDER).glob("*.*"):  # not the lock
        if path.name != BEGUN:
            path.unlink()
    # Last what says that an ingest made all this: killed before, it is cleared by the same command.
    for path in (out / "ledger.csv", out / "manifest.csv", out / FINISHED, out / FOLDER / BEGUN):
        path.unlink(missing_ok=True)


def _require_same(out: Path, begun: dict[str, Any], asked: dict[str, str]) -> None:
    for name, what in (("rows", "manifest"), ("pipeline", "pipeline or landmark predictor"), ("lipdata", "lipdata")):
        if begun.get(name) != asked[name]:
            raise LipdataError(
                f"{out} was begun with another {what}; take another -o, or begin anew there with --overwrite"
            )


def _reopen(out: Path, about: dict[str, Any], plan: Sequence[Job]) -> None:
    """Work the record of a finished folder out again, from its own files."""
    rows = {row.clip_id: row for row in manifest.read(out / "manifest.csv")}
    entries = {entry.clip_id: entry for entry in ledger.entries(ledger.read(out / "ledger.csv"))}
    for job in plan:
        ids = [row.clip_id for row in job.rows]
        if all(clip_id in rows and clip_id in entries for clip_id in ids):
            of_job = tuple(entries[clip_id] for clip_id in ids)
            digest = str(about["shards"].get(job.shard.name, ""))
            keep(job, Result(job.name, of_job, tuple(rows[clip_id] for clip_id in ids), digest))


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except ValueError as error:
        raise LipdataError(f"{path} is damaged: {error}; begin anew with --overwrite") from error
    return told if isinstance(told, dict) else {}


def _require_none_but(out: Path, name: str) -> None:
    other = next((path.name for path in sorted(out.iterdir()) if path.name != name), None)
    if other is not None:
        raise LipdataError(
            f"{out} holds {other!r} and no ingest to go on with; nothing is overwritten: choose another folder with -o"
        )
