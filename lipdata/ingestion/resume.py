"""What an ingest has done so far, on disk: so that the same command goes on where the last one was stopped.

While an ingest is not finished, its folder holds ``.ingest/``: ``begun.json`` (what was asked for), ``NAME.json`` of
every shard that is whole, ``NAME.progress`` of every shard in work, ``NAME.deaths`` of those that a worker died of, and
the lock. When all is done the folder is removed; what it held stands in manifest.csv, ledger.csv and dataset.json, and
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

from lipdata.atomic_files import remove_partial_files, sha256_of_file, write_atomic
from lipdata.corpus import ManifestRow, locate, read_manifest
from lipdata.errors import ClipError, LipdataError
from lipdata.ingestion.task import Task, TaskResult, manifest_digest
from lipdata.ingestion.versions import require_same_versions
from lipdata.shards import FAILED, UNMATCHED, LedgerEntry, ledger_entries, read_ledger

STATE_FOLDER = ".ingest"
BEGUN_FILE = "begun.json"
DATASET_FILE = "dataset.json"
# Deaths in a row that no clip explains, before the run is given up.
MAX_UNEXPLAINED_DEATHS = 10


def begin_or_resume(
    out: Path, rows: Sequence[ManifestRow], plan: Sequence[Task], *, overwrite: bool
) -> dict[str, Mapping[str, str]]:
    """Begin an ingest in ``out``, or go on with the one that stands there.

    Args:
        overwrite: first remove what an ingest has made there.

    Returns:
        The digests of what was asked for, and the versions it is made with.

    Raises:
        LipdataError: ``out`` holds something else, or the shards of another manifest, pipeline, sync table or version.
    """
    asked = {"rows": manifest_digest(rows), "pipeline": plan[0].pipeline_digest}
    if plan[0].sound:
        asked["sync_csv"] = plan[0].sound.sha256
    this = {"asked": asked, "versions": plan[0].versions}
    begun = out / STATE_FOLDER / BEGUN_FILE
    if overwrite:
        _clear(out)
    elif begun.exists():
        _require_same(out, _read(begun), this)
    elif (out / DATASET_FILE).exists():
        about = _read(out / DATASET_FILE)
        _require_same(out, about, this)
        _reopen(out, about, plan)
    else:
        _require_none_but(out, STATE_FOLDER)
    write_atomic(begun, json.dumps(this).encode())
    for folder in (out, out / STATE_FOLDER):
        remove_partial_files(folder)
    for path in [*(out / STATE_FOLDER).glob("*.progress"), *(out / STATE_FOLDER).glob("*.deaths")]:
        path.unlink()
    return this


def finish_ingest(out: Path) -> None:
    """Take the record away, and what dead workers have left: all stands in the folder's own files now."""
    remove_partial_files(out)
    # First what says that it is one: were the rest of it left behind, it would be worked out again.
    (out / STATE_FOLDER / BEGUN_FILE).unlink()
    shutil.rmtree(out / STATE_FOLDER)


def save_result(task: Task, result: TaskResult) -> None:
    """Write down that a shard is whole."""
    write_atomic(_path(task), json.dumps(asdict(result), sort_keys=True).encode())


def load_result(task: Task) -> TaskResult | None:
    """What was written down of a task, if its shard is that file still and no clip is worth another try; else None."""
    try:
        stored = json.loads(_path(task).read_bytes())
        entries = tuple(LedgerEntry(**entry) for entry in stored["entries"])
        rows = tuple(ManifestRow(**row | {"extra": tuple(map(tuple, row["extra"]))}) for row in stored["rows"])
        result = TaskResult(stored["name"], entries, rows, stored["content_sha256"], stored["file_sha256"])
        again = any(_worth_another_try(*pair, task) for pair in zip(task.rows, entries, strict=True))
    except (OSError, ValueError, TypeError, KeyError, LipdataError):
        return None
    return None if again or not _is(task.shard, result.file_sha256) else result


def progress_file(task: Task) -> Path:
    """The file that grows by a line a clip while a shard is made."""
    return task.out / STATE_FOLDER / f"{task.name}.progress"


def clips_to_skip(task: Task) -> set[str]:
    """Clips of which two workers have died, or of which one has died twice; the last death is found out here.

    Call it before the progress file is begun anew: one that is there was left by a worker that died, at the clip after
    its end.

    Raises:
        LipdataError: workers die again and again when all clips are done.
    """
    left, died = progress_file(task), task.out / STATE_FOLDER / f"{task.name}.deaths"
    if left.exists():
        done = len(left.read_text().splitlines())
        # In this order: were we to die between the two, a clip would be given up too late, not too early.
        left.unlink(missing_ok=True)
        with died.open("a") as file:
            file.write(f"{task.rows[done].clip_id if done < len(task.rows) else ''}\n")
    deaths = Counter(died.read_text().splitlines() if died.exists() else [])
    if deaths.pop("", 0) >= MAX_UNEXPLAINED_DEATHS:
        raise LipdataError(
            f"{MAX_UNEXPLAINED_DEATHS} workers died writing {task.shard.name}, for want of memory perhaps; what is "
            "whole is kept: try the same command with a smaller -j, or on a larger machine"
        )
    return {clip_id for clip_id, times in deaths.items() if times > 1}


def _path(task: Task) -> Path:
    return task.out / STATE_FOLDER / f"{task.name}.json"


def _worth_another_try(row: ManifestRow, entry: LedgerEntry, task: Task) -> bool:
    """Whether a clip failed by no fault of its own: something was killed, or its file is there by now."""
    if entry.status != FAILED or entry.stage not in ("manifest", "sync", "ffmpeg", "worker"):
        return False
    sound = task.sound_offset(row)
    wanted = sound.sha256 if entry.stage == "sync" and sound else row.sha256
    try:
        return entry.stage in ("ffmpeg", "worker") or wanted in ("", locate(row, task.corpus).sha256)
    except ClipError:
        return False


def _is(shard: Path, file_sha256: str) -> bool:
    """By its bytes, before HDF5 sees it: a damaged file may keep HDF5 busy for ever."""
    if not file_sha256 or not shard.is_file():
        return not file_sha256 and not shard.exists()
    return sha256_of_file(shard) == file_sha256


def _clear(out: Path) -> None:
    """Remove what an ingest has made in ``out``, and nothing else; refuse a folder in which none has."""
    if not (out / DATASET_FILE).exists() and not (out / STATE_FOLDER / BEGUN_FILE).exists():
        _require_none_but(out, STATE_FOLDER)
    remove_partial_files(out)
    for path in out.glob("*.h5"):
        # Somebody may have put a file of his own beside the shards.
        if re.fullmatch(r"[a-z0-9_]+-\d{5}\.h5", path.name):
            path.unlink()
    for path in (out / STATE_FOLDER).glob("*.*"):  # not the lock
        if path.name != BEGUN_FILE:
            path.unlink()
    # Last what says that an ingest made all this: killed before, it is cleared by the same command.
    for path in (out / "ledger.csv", out / "manifest.csv", out / DATASET_FILE, out / STATE_FOLDER / BEGUN_FILE):
        path.unlink(missing_ok=True)


def _require_same(out: Path, begun: dict[str, Any], this: dict[str, Mapping[str, str]]) -> None:
    asked, versions = _table(begun, "asked"), _table(begun, "versions")
    for name, what in (("rows", "manifest"), ("pipeline", "pipeline or landmark predictor")):
        if asked.get(name) != this["asked"][name]:
            raise LipdataError(
                f"{out} was begun with another {what}; take another -o, or begin anew there with --overwrite"
            )
    begun_with, given = asked.get("sync_csv"), this["asked"].get("sync_csv")
    if begun_with != given:
        how = "with another" if begun_with and given else "with a" if begun_with else "without"
        raise LipdataError(
            f"{out} was begun {how} --sync-csv; give it as it was, take another -o, or begin anew with --overwrite"
        )
    require_same_versions(versions, this["versions"], "here", "install those again, or begin anew with --overwrite")


def _reopen(out: Path, about: dict[str, Any], plan: Sequence[Task]) -> None:
    """Work the record of a finished folder out again, from its own files.

    Raises:
        LipdataError: the manifest or the ledger is not as it was written.
    """
    files = _table(about, "files")
    for name in ("manifest.csv", "ledger.csv"):
        path = out / name
        if not path.is_file() or sha256_of_file(path) != files.get(name):
            raise LipdataError(f"{path} is not what ingest wrote there; put it back, or begin anew with --overwrite")
    rows = {row.clip_id: row for row in read_manifest(out / "manifest.csv")}
    ledger = read_ledger(out / "ledger.csv")
    entries = {entry.clip_id: entry for entry in ledger_entries(ledger[ledger.status != UNMATCHED])}
    for task in plan:
        ids = [row.clip_id for row in task.rows]
        if all(clip_id in rows and clip_id in entries for clip_id in ids):
            of_task = tuple(entries[clip_id] for clip_id in ids)
            content, file = (str(_table(about, name).get(task.shard.name, "")) for name in ("shards", "files"))
            save_result(task, TaskResult(task.name, of_task, tuple(rows[clip_id] for clip_id in ids), content, file))


def _table(about: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of a JSON file that may come from an untrusted source; empty where it is none."""
    table = about.get(name)
    return table if isinstance(table, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except ValueError as error:
        raise LipdataError(f"{path} is damaged: {error}; begin anew with --overwrite") from error
    return table if isinstance(table, dict) else {}


def _require_none_but(out: Path, name: str) -> None:
    other = next((path.name for path in sorted(out.iterdir()) if path.name != name), None)
    if other is not None:
        raise LipdataError(
            f"{out} holds {other!r} and no ingest to go on with; nothing is overwritten: choose another folder with -o"
        )
