"""A worker: one job -> one whole shard, and the record that it is."""

import platform
from collections.abc import Sequence, Set
from dataclasses import replace

import cv2

from lipdata import files, record, shards
from lipdata.clip import Made, make_clip
from lipdata.errors import ClipError, FirstFailure, LipdataError
from lipdata.faces import loaded_finder
from lipdata.forked import as_worker
from lipdata.job import Job, Result
from lipdata.ledger import FAILED, OK, Entry
from lipdata.manifest import Row
from lipdata.source import Source, locate
from lipdata.versions import require_same, versions

# A fault of ours that one clip brings out costs that clip, and says so; a full disk ends the run.
UNFORESEEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    cv2.error,
)


def make_shard(job: Job) -> Result:
    """Make one whole shard, unless it is there. A clip that cannot be used becomes a failed entry and no more.

    Raises:
        FirstFailure: a clip has failed, and the job says to stop at the first.
        OSError, LipdataError: the shard cannot be written, or this machine would write another one.
    """
    if not job.corpus.is_dir():
        raise LipdataError(f"{job.corpus} is no folder on {platform.node()}; every machine needs it at the same place")
    require_same(job.versions, versions(), f"on {platform.node()} there", "install the same on every machine")
    with as_worker(job.parent_pid):
        done = record.known(job)
        if done is None:
            done = _made_shard(job, record.blamed(job))
            record.keep(job, done)
        else:
            record.tally(job).write_text("".join(f"{entry.status}\n" for entry in done.entries))
    _require_none_failed(done.entries, job)
    return done


def _made_shard(job: Job, blamed: Set[str]) -> Result:
    made: list[Made] = []
    entries: list[Entry] = []
    rows: list[Row] = []
    start = 0
    with record.tally(job).open("w", buffering=1) as tally:
        for row in job.rows:
            read = row
            try:
                where = locate(row, job.corpus)
                read = replace(row, sha256=row.sha256 or where.sha256)
                if row.clip_id in blamed:
                    raise ClipError("worker", "its worker died twice")
                clip = _made(row, where, job)
                entries.append(_ok(clip, job, start))
                made.append(clip)
                start += len(clip.data.frames)
            except ClipError as error:
                entries.append(Entry(row.clip_id, FAILED, error.stage, error.reason))
            rows.append(read)
            tally.write(f"{entries[-1].status}\n")
            _require_none_failed(entries[-1:], job)
    if not made:
        job.shard.unlink(missing_ok=True)
        return Result(job.name, tuple(entries), tuple(rows), "", "")
    content = shards.write_shard(job.shard, [clip.data for clip in made], _attributes(job))
    return Result(job.name, tuple(entries), tuple(rows), content, files.sha256(job.shard))


def _made(row: Row, where: Source, job: Job) -> Made:
    try:
        return make_clip(row, where, loaded_finder(job.predictor), job.pipeline)
    except MemoryError as error:
        raise ClipError("worker", "too little memory for it; a smaller -j leaves more to each") from error
    except UNFORESEEN as error:
        raise ClipError("unforeseen", f"{type(error).__name__}: {str(error)[:200]}; please report it") from error


def _require_none_failed(entries: Sequence[Entry], job: Job) -> None:
    failed = next((entry for entry in entries if entry.status == FAILED), None) if job.fail_fast else None
    if failed:
        told = f"{failed.clip_id} failed: {failed.stage}: {failed.reason}"
        raise FirstFailure(f"{told}; stopped at the first failure")


def _ok(clip: Made, job: Job, start: int) -> Entry:
    n_frames = len(clip.data.frames)
    return Entry(
        clip_id=clip.data.clip_id,
        status=OK,
        reason=clip.damage,
        shard=job.shard.name,
        start=start,
        n_frames=n_frames,
        faces_detected=clip.faces_detected,
        frames_interpolated=clip.frames_interpolated,
        av_offset_s=clip.av_offset_s,
        seconds=n_frames / job.pipeline.video.fps,
    )


def _attributes(job: Job) -> dict[str, str | int]:
    return {
        "pipeline": job.pipeline.to_json(),
        "pipeline_digest": job.pipeline_digest,
        "fps": job.pipeline.video.fps,
        "sample_rate": job.pipeline.mel.sample_rate_hz,
    }
