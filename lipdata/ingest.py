"""The run: one worker makes one whole shard, what is whole is kept whatever happens, and all ends in the ledger."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from lipdata import files, job, ledger, manifest, record, shards
from lipdata.crew import Crew
from lipdata.errors import LipdataError
from lipdata.job import Job, Result
from lipdata.ledger import OK, Entry
from lipdata.lock import locked
from lipdata.manifest import Row
from lipdata.pipeline import Pipeline
from lipdata.tally import Report, watched

# What a user can mend.
MENDED_BY = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "make the folder writable",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
}


def ingest(
    corpus: Path,
    rows: Sequence[Row],
    out: Path,
    pipeline: Pipeline,
    *,
    predictor: Path,
    jobs: int,
    fail_fast: bool,
    report: Report,
    scheduler: str | None = None,
    overwrite: bool = False,
) -> list[Entry]:
    """Make the shards, manifest, ledger and dataset.json of a corpus; where some of it is made already, the rest.

    Order and content depend on rows, pipeline and predictor only: never on ``jobs``, nor on what was killed on the way.
    What is there counts only if it is what was written, by the SHA-256 of the file.

    Args:
        corpus: the folder that the rows' paths start from.
        out: the shard folder: empty, not there, or of an ingest of the same rows and pipeline.
        scheduler: of a Dask cluster that works in place of this machine, ``tcp://HOST:PORT``.
        overwrite: begin anew, whatever ingest has made in ``out``.

    Returns:
        One entry for every row, sorted by clip_id.

    Raises:
        LipdataError: ``out`` holds something else or is at work, the predictor cannot be used, workers die again and
            again, or nothing can be written.
        FirstFailure: with ``fail_fast``, at the first clip that fails.
    """
    if not corpus.is_dir():
        raise LipdataError(f"{corpus} is no folder; give the folder that the manifest's paths start from")
    plan = job.plan(corpus, rows, out, pipeline, predictor, fail_fast=fail_fast)
    with _writable(out), _own(out):
        begun = record.begin(out, rows, plan, overwrite=overwrite)
        done: list[Result] = []
        with watched(out / record.FOLDER, done, report):
            for result in Crew(jobs, scheduler).make(plan):
                done.append(result)
        entries = sorted((entry for result in done for entry in result.entries), key=lambda entry: entry.clip_id)
        manifest.write(out / "manifest.csv", (row for result in done for row in result.rows))
        ledger.write(out / "ledger.csv", entries)
        about = _about(out, pipeline, plan, done, entries) | begun
        files.write_whole(out / record.FINISHED, (json.dumps(about, indent=2, sort_keys=True) + "\n").encode())
        record.finish(out)
    return entries


@contextmanager
def _own(out: Path) -> Iterator[None]:
    """Make the folder, and be the only run in it; what was not begun leaves nothing behind."""
    if out.exists() and not out.is_dir():
        raise LipdataError(f"{out} is there and no folder; choose another with -o")
    new = not out.exists()
    folder = out / record.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "lock", str(out)):
        try:
            yield
        finally:
            if not (folder / record.BEGUN).exists():
                shutil.rmtree(folder, ignore_errors=True)
            if new and not any(out.iterdir()):
                out.rmdir()


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    """A full disk and the like, told with what to do."""
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
    out: Path, pipeline: Pipeline, plan: Sequence[Job], done: Sequence[Result], entries: Sequence[Entry]
) -> dict[str, object]:
    ok = sum(entry.status == OK for entry in entries)
    made = [result for result in done if result.content_sha256]
    return {
        "format": shards.FORMAT,
        "version": shards.VERSION,
        "pipeline": asdict(pipeline),
        "pipeline_digest": plan[0].pipeline_digest,
        "found": len(entries),
        "ok": ok,
        "failed": len(entries) - ok,
        "shards": {f"{result.name}.h5": result.content_sha256 for result in made},
        "files": {path.name: files.sha256(path) for path in (out / "manifest.csv", out / "ledger.csv")}
        | {f"{result.name}.h5": result.file_sha256 for result in made},
    }
