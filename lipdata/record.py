"""What an ingest has done so far, on disk: so that the same command goes on where the last one was stopped.

While an ingest is not finished, its folder holds ``.ingest/``: ``begun.json`` (what was asked for), ``NAME.json`` of
every shard that is whole, ``NAME.tally`` of every shard in work, ``NAME.died`` of those that a worker died of, and the
lock. When all is done the folder is removed; what it held stands in manifest.csv, ledger.csv and dataset.json, and
can be worked out from them again.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lipdata import ledger, manifest
from lipdata.errors import ClipError, LipdataError
from lipdata.files import remove_leftovers, sha256, write_whole
from lipdata.job import Job, Result, rows_digest
from lipdata.ledger import FAILED, Entry
from lipdata.manifest import Row
from lipdata.source import locate
from lipdata.versions import require_same

FOLDER = ".ingest"
BEGUN = "begun.json"
FINISHED = "dataset.json"
# Deaths in a row that no clip is to blame for, before the run is given up.
UNEXPLAINED = 10


def begin(out: Path, rows: Sequence[Row], plan: Sequence[Job], *, overwrite: bool) -> dict[str, Mapping[str, str]]:
    """Begin an ingest in ``out``, or go on with the one that stands there.

    Args:
        overwrite: first remove what an ingest has made there.

    Returns:
        The digests of what was asked for, and the versions it is made with.

    Raises:
        LipdataError: ``out`` holds something else, or the shards of another manifest, pipeline or version.
    """
    asked = {"rows": rows_digest(rows), "pipeline": plan[0].pipeline_digest}
    this = {"asked": asked, "versions": plan[0].versions}
    begun = out / FOLDER / BEGUN
    if overwrite:
        _clear(out)
    elif begun.exists():
        _require_same(out, _read(begun), this)
    elif (out / FINISHED).exists():
        about = _read(out / FINISHED)
        _require_same(out, about, this)
        _reopen(out, about, plan)
    else:
        _require_none_but(out, FOLDER)
    write_whole(begun, json.dumps(this).encode())
    for folder in (out, out / FOLDER):
        remove_leftovers(folder)
    for path in [*(out / FOLDER).glob("*.tally"), *(out / FOLDER).glob("*.died")]:
        path.unlink()
    return this


def finish(out: Path) -> None:
    """Take the record away, and what dead workers have left: all stands in the folder's own files now."""
    remove_leftovers(out)
    # First what says that it is one: were the rest of it left behind, it would be worked out again.
    (out / FOLDER / BEGUN).unlink()
    shutil.rmtree(out / FOLDER)


def keep(job: Job, result: Result) -> None:
    """Write down that a shard is whole."""
    write_whole(_path(job), json.dumps(asdict(result), sort_keys=True).encode())


def known(job: Job) -> Result | None:
    """What was written down of a job, if its shard is that file still and no clip is worth another try; else None."""
    try:
        told = json.loads(_path(job).read_bytes())
        entries = tuple(Entry(**entry) for entry in told["entries"])
        rows = tuple(Row(**row) for row in told["rows"])
        result = Result(told["name"], entries, rows, told["content_sha256"], told["file_sha256"])
        again = any(_worth_another_try(*pair, job.corpus) for pair in zip(job.rows, entries, strict=True))
    except (OSError, ValueError, TypeError, KeyError, LipdataError):
        return None
    return None if again or not _is(job.shard, result.file_sha256) else result


def tally(job: Job) -> Path:
    """The file that grows by a line a clip while a shard is made."""
    return job.out / FOLDER / f"{job.name}.tally"


def blamed(job: Job) -> set[str]:
    """Clips of which two workers have died, or of which one has died twice; the last death is found out here.

    Call it before the tally is begun anew: one that is there was left by a worker that died, at the clip after its end.

    Raises:
        LipdataError: workers die again and again when all clips are done.
    """
    left, died = tally(job), job.out / FOLDER / f"{job.name}.died"
    if left.exists():
        done = len(left.read_text().splitlines())
        # In this order: were we to die between the two, a clip would be blamed too late, not too early.
        left.unlink(missing_ok=True)
        with died.open("a") as file:
            file.write(f"{job.rows[done].clip_id if done < len(job.rows) else ''}\n")
    deaths = Counter(died.read_text().splitlines() if died.exists() else [])
    if deaths.pop("", 0) >= UNEXPLAINED:
        raise LipdataError(
            f"{UNEXPLAINED} workers died writing {job.shard.name}, for want of memory perhaps; what is whole is kept: "
            "try the same command with a smaller -j, or on a larger machine"
        )
    return {clip_id for clip_id, times in deaths.items() if times > 1}


def _path(job: Job) -> Path:
    return job.out / FOLDER / f"{job.name}.json"


def _worth_another_try(row: Row, entry: Entry, corpus: Path) -> bool:
    """Whether a clip failed by no fault of its own: something was killed, or its file is there by now."""
    if entry.status != FAILED or entry.stage not in ("manifest", "ffmpeg", "worker"):
        return False
    try:
        return entry.stage != "manifest" or row.sha256 in ("", locate(row, corpus).sha256)
    except ClipError:
        return False


def _is(shard: Path, file_sha256: str) -> bool:
    """By its bytes, before HDF5 sees it: a damaged file may keep HDF5 busy for ever."""
    if not file_sha256 or not shard.is_file():
        return not file_sha256 and not shard.exists()
    return sha256(shard) == file_sha256


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


def _require_same(out: Path, begun: dict[str, Any], this: dict[str, Mapping[str, str]]) -> None:
    asked, versions = _told(begun, "asked"), _told(begun, "versions")
    for name, what in (("rows", "manifest"), ("pipeline", "pipeline or landmark predictor")):
        if asked.get(name) != this["asked"][name]:
            raise LipdataError(
                f"{out} was begun with another {what}; take another -o, or begin anew there with --overwrite"
            )
    require_same(versions, this["versions"], "here", "install those again, or begin anew with --overwrite")


def _reopen(out: Path, about: dict[str, Any], plan: Sequence[Job]) -> None:
    """Work the record of a finished folder out again, from its own files.

    Raises:
        LipdataError: the manifest or the ledger is not as it was written.
    """
    files = _told(about, "files")
    for name in ("manifest.csv", "ledger.csv"):
        path = out / name
        if not path.is_file() or sha256(path) != files.get(name):
            raise LipdataError(f"{path} is not what ingest wrote there; put it back, or begin anew with --overwrite")
    rows = {row.clip_id: row for row in manifest.read(out / "manifest.csv")}
    entries = {entry.clip_id: entry for entry in ledger.entries(ledger.read(out / "ledger.csv"))}
    for job in plan:
        ids = [row.clip_id for row in job.rows]
        if all(clip_id in rows and clip_id in entries for clip_id in ids):
            of_job = tuple(entries[clip_id] for clip_id in ids)
            content, file = (str(_told(about, name).get(job.shard.name, "")) for name in ("shards", "files"))
            keep(job, Result(job.name, of_job, tuple(rows[clip_id] for clip_id in ids), content, file))


def _told(about: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of a JSON file that may come from a stranger; empty where it is none."""
    told = about.get(name)
    return told if isinstance(told, dict) else {}


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
