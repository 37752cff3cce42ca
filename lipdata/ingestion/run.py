"""Ingest: one worker makes one whole shard, what is whole is kept whatever happens, and all ends in the ledger."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import joblib

from lipdata.atomic_files import exclusive_lock, sha256_of_file, write_atomic
from lipdata.config import Pipeline, load_pipeline
from lipdata.corpus import CorpusScan, ManifestRow, read_manifest, scan_corpus, write_manifest
from lipdata.errors import LipdataError
from lipdata.ingestion.progress import ProgressCallback, report_progress
from lipdata.ingestion.resume import BEGUN_FILE, DATASET_FILE, STATE_FOLDER, begin_or_resume, finish_ingest
from lipdata.ingestion.scheduler import Scheduler
from lipdata.ingestion.sound_offsets import SoundOffsets, read_sound_offsets
from lipdata.ingestion.task import Task, TaskResult, plan_tasks
from lipdata.shards import FORMAT, OK, UNMATCHED, VERSION, LedgerEntry, ShardFolder, write_ledger

# What a user can mend.
MENDED_BY = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "make the folder writable",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
}


def ingest(
    corpus: Path | str,
    out: Path | str = "shards",
    *,
    pipeline: str = "grid",
    manifest: Path | str | None = None,
    landmarks: Path | str | None = None,
    sync_csv: Path | str | None = None,
    workers: int | None = None,
    limit: int | None = None,
    fail_fast: bool = False,
    scheduler: str | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> ShardFolder:
    """Turn the clips of a corpus folder into shards; the same call again goes on where the last one was stopped.

    Every clip found ends in ``OUT/ledger.csv``, as ok or as failed with stage and reason, and so does every media file
    that fits no layout, as unmatched.

    Args:
        corpus: the corpus folder.
        out: the shard folder to make.
        pipeline: a pipeline's name, or the path of a ``.toml`` file.
        manifest: a CSV with the clips and splits to take; None takes what is found by the pipeline's layout.
        landmarks: another 68-point predictor of dlib's (``.dat``), or landmarks computed before: a folder of
            ``CLIP_ID.npy`` or one ``.npz``.
        sync_csv: a table of ``lipmodel sync``: the sound of each clip is moved by its offset where that is confident.
        workers: processes; None for one a core.
        limit: take the first so many clips only, by clip id.
        fail_fast: stop at the first clip that fails.
        scheduler: address of a Dask scheduler, ``tcp://HOST:PORT``, whose workers do the work.
        overwrite: begin anew: first remove what an ingest has made in ``out``.
        progress: called with (clips done, of them failed, clips in all) four times a second.

    Raises:
        LipdataError: a mistake in the input, in one line.
        FirstFailure: with ``fail_fast``, at the first clip that fails.
    """
    corpus, out = Path(corpus), Path(out)
    config = load_pipeline(pipeline)
    scan = CorpusScan(read_manifest(Path(manifest)), []) if manifest else scan_corpus(corpus, config.corpus)
    sound = read_sound_offsets(Path(sync_csv), scan.rows, config.video.fps) if sync_csv else None
    ingest_rows(
        corpus,
        scan.rows[:limit],
        out,
        config,
        unmatched=scan.unmatched,
        landmarks=Path(landmarks) if landmarks else None,
        sound=sound,
        workers=workers or joblib.cpu_count(),
        fail_fast=fail_fast,
        scheduler=scheduler,
        overwrite=overwrite,
        progress=progress,
    )
    return ShardFolder(out)


def ingest_rows(
    corpus: Path,
    rows: Sequence[ManifestRow],
    out: Path,
    pipeline: Pipeline,
    *,
    unmatched: Sequence[str] = (),
    landmarks: Path | None = None,
    sound: SoundOffsets | None = None,
    workers: int = 1,
    fail_fast: bool = False,
    scheduler: str | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> list[LedgerEntry]:
    """Make the shards, manifest, ledger and dataset.json of manifest rows; where some of it is made already, the rest.

    Order and content depend on rows, pipeline, landmarks and offsets only: never on ``workers``, nor on what was
    killed on the way. What is there counts only if it is what was written, by the SHA-256 of the file.

    Args:
        corpus: the folder that the rows' paths start from.
        out: the shard folder: empty, not there, or of an ingest of the same rows and pipeline.
        unmatched: media files of the corpus folder that are no clips, for the ledger.
        sound: by how much the sound of clips is to be moved.

    Returns:
        One entry for every row, sorted by clip_id.

    Raises:
        LipdataError: ``out`` holds something else or is in use, the landmarks cannot be used, workers die again and
            again, or nothing can be written.
        FirstFailure: with ``fail_fast``, at the first clip that fails.
    """
    if not corpus.is_dir():
        raise LipdataError(f"{corpus} is no folder; give the folder that the manifest's paths start from")
    tasks = plan_tasks(corpus, rows, out, pipeline, landmarks, fail_fast=fail_fast, sound=sound)
    with _writable(out), _exclusive_folder(out):
        begun = begin_or_resume(out, rows, tasks, overwrite=overwrite)
        done: list[TaskResult] = []
        with report_progress(out / STATE_FOLDER, done, len(rows), progress or _silent):
            for result in Scheduler(workers, scheduler).run(tasks):
                done.append(result)
        _require_same_landmarks(tasks[0])
        entries = sorted((entry for result in done for entry in result.entries), key=lambda entry: entry.clip_id)
        write_manifest(out / "manifest.csv", (row for result in done for row in result.rows))
        write_ledger(out / "ledger.csv", [*entries, *map(_unmatched_entry, unmatched)])
        about: dict[str, object] = {"sync_csv_sha256": sound.sha256} if sound else {}
        about |= _about(out, tasks, done, entries) | {"unmatched": len(unmatched)} | begun
        write_atomic(out / DATASET_FILE, (json.dumps(about, indent=2, sort_keys=True) + "\n").encode())
        finish_ingest(out)
    return entries


def _require_same_landmarks(task: Task) -> None:
    if task.detector.digest != task.landmarks_digest:
        raise LipdataError(f"the landmarks at {task.landmarks} changed during the run; begin anew with --overwrite")


def _silent(done: int, failed: int, total: int) -> None:
    pass


def _unmatched_entry(path: str) -> LedgerEntry:
    name = "".join(letter if letter.isprintable() else "?" for letter in path)
    return LedgerEntry(name, UNMATCHED, "layout", "a media file whose path fits no layout; see [corpus] layout")


@contextmanager
def _exclusive_folder(out: Path) -> Iterator[None]:
    """Make the folder, and be the only run in it; what was not begun leaves nothing behind."""
    if out.exists() and not out.is_dir():
        raise LipdataError(f"{out} is there and no folder; choose another with -o")
    new = not out.exists()
    folder = out / STATE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(folder / "lock", str(out)):
        try:
            yield
        finally:
            if not (folder / BEGUN_FILE).exists():
                shutil.rmtree(folder, ignore_errors=True)
            if new and not any(out.iterdir()):
                out.rmdir()


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Turn a full disk and the like into one line with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in MENDED_BY:
            raise
        what = f"{error.filename or out}: {os.strerror(error.errno)}"
        raise LipdataError(
            f"{what}; {MENDED_BY[error.errno]}, then run the same command, but for --overwrite: it goes on"
        ) from error


def _about(
    out: Path, tasks: Sequence[Task], done: Sequence[TaskResult], entries: Sequence[LedgerEntry]
) -> dict[str, object]:
    ok = sum(entry.status == OK for entry in entries)
    made = [result for result in done if result.content_sha256]
    return {
        "format": FORMAT,
        "version": VERSION,
        "pipeline": tasks[0].pipeline.tables(),
        "pipeline_digest": tasks[0].pipeline_digest,
        "landmarks_digest": tasks[0].landmarks_digest,
        "found": len(entries),
        "ok": ok,
        "failed": len(entries) - ok,
        "shards": {f"{result.name}.h5": result.content_sha256 for result in made},
        "files": {path.name: sha256_of_file(path) for path in (out / "manifest.csv", out / "ledger.csv")}
        | {f"{result.name}.h5": result.file_sha256 for result in made},
    }
