"""A worker: one task -> one whole shard, and the record that it is."""

import platform
from collections.abc import Sequence, Set
from dataclasses import replace

import cv2

from lipdata.atomic_files import sha256_of_file
from lipdata.corpus import ManifestRow, Source, locate
from lipdata.errors import ClipError, FirstFailure, LipdataError
from lipdata.ingestion.clip_pipeline import ProcessedClip, process_clip
from lipdata.ingestion.process_pool import worker_context
from lipdata.ingestion.resume import clips_to_skip, load_result, progress_file, save_result
from lipdata.ingestion.task import Task, TaskResult
from lipdata.ingestion.versions import installed_versions, require_same_versions
from lipdata.shards import FAILED, OK, LedgerEntry, write_shard

# A fault of ours that one clip brings out costs that clip, and says so; a full disk ends the run.
UNFORESEEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ConnectionError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    cv2.error,
)


def make_shard(task: Task) -> TaskResult:
    """Make one whole shard, unless it is there. A clip that cannot be used becomes a failed entry and no more.

    Raises:
        FirstFailure: a clip has failed, and the task says to stop at the first.
        OSError, LipdataError: the shard cannot be written, or this machine would write another one.
    """
    if not task.corpus.is_dir():
        raise LipdataError(f"{task.corpus} is no folder on {platform.node()}; every machine needs it at the same place")
    require_same_versions(
        task.versions,
        installed_versions(task.pipeline),
        f"on {platform.node()} there",
        "install the same on every machine",
    )
    with worker_context(task.parent_pid):
        done = load_result(task)
        if done is None:
            done = _made_shard(task, clips_to_skip(task))
            save_result(task, done)
        else:
            progress_file(task).write_text("".join(f"{entry.status}\n" for entry in done.entries))
    _require_none_failed(done.entries, task)
    return done


def _made_shard(task: Task, skipped: Set[str]) -> TaskResult:
    made: list[ProcessedClip] = []
    entries: list[LedgerEntry] = []
    rows: list[ManifestRow] = []
    start = 0
    with progress_file(task).open("w", buffering=1) as progress:
        for row in task.rows:
            read = row
            try:
                where = locate(row, task.corpus)
                read = replace(row, sha256=row.sha256 or where.sha256)
                if row.clip_id in skipped:
                    raise ClipError("worker", "its worker died twice")
                clip = _made(row, where, task)
                entries.append(_ok(clip, task, start))
                made.append(clip)
                start += len(clip.data.frames)
            except ClipError as error:
                entries.append(LedgerEntry(row.clip_id, FAILED, error.stage, error.reason))
            rows.append(read)
            progress.write(f"{entries[-1].status}\n")
            _require_none_failed(entries[-1:], task)
    if not made:
        task.shard.unlink(missing_ok=True)
        return TaskResult(task.name, tuple(entries), tuple(rows), "", "")
    content = write_shard(task.shard, [clip.data for clip in made], _attributes(task))
    return TaskResult(task.name, tuple(entries), tuple(rows), content, sha256_of_file(task.shard))


def _made(row: ManifestRow, where: Source, task: Task) -> ProcessedClip:
    try:
        return process_clip(row, where, task.detector, task.pipeline, task.sound_offset(row))
    except MemoryError as error:
        raise ClipError("worker", "too little memory for it; a smaller -j leaves more to each") from error
    # EOFError and ConnectionError would be taken for the death of a worker.
    except UNFORESEEN as error:
        raise ClipError("unforeseen", f"{type(error).__name__}: {str(error)[:200]}; please report it") from error


def _require_none_failed(entries: Sequence[LedgerEntry], task: Task) -> None:
    failed = next((entry for entry in entries if entry.status == FAILED), None) if task.fail_fast else None
    if failed:
        what = f"{failed.clip_id} failed: {failed.stage}: {failed.reason}"
        raise FirstFailure(f"{what}; stopped at the first failure")


def _ok(clip: ProcessedClip, task: Task, start: int) -> LedgerEntry:
    n_frames = len(clip.data.frames)
    return LedgerEntry(
        clip_id=clip.data.clip_id,
        status=OK,
        reason=clip.damage,
        shard=task.shard.name,
        start=start,
        n_frames=n_frames,
        faces_detected=clip.faces_detected,
        frames_interpolated=clip.frames_interpolated,
        av_offset_s=clip.av_offset_s,
        seconds=n_frames / task.pipeline.video.fps,
        sync_offset_s=clip.sync_offset_s,
    )


def _attributes(task: Task) -> dict[str, str | int]:
    return {
        "pipeline": task.pipeline.to_json(),
        "pipeline_digest": task.pipeline_digest,
        "fps": task.pipeline.video.fps,
        "sample_rate": task.pipeline.mel.sample_rate_hz,
    }
