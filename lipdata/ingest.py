"""The run: plan the shards, let one worker own one whole shard, gather the ledger."""

import functools
import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

import cv2
import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from lipdata import files, ledger, manifest, shards
from lipdata.clip import Made, make_clip
from lipdata.errors import ClipError, FirstFailure, LipdataError
from lipdata.ledger import FAILED, OK, Entry
from lipdata.lips import FaceFinder
from lipdata.manifest import Row
from lipdata.media import ffmpeg_binary
from lipdata.pipeline import Pipeline
from lipdata.source import Source, locate

# A fault of ours that one clip brings out costs that clip, and says so; a full disk or too little memory ends the run.
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

# Called with (clips done, of them failed) so far.
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """All that a worker needs to make one shard, of clips of one manifest, in the manifest's order."""

    name: str
    rows: tuple[Row, ...]
    corpus: Path
    out: Path
    pipeline: Pipeline
    pipeline_digest: str
    predictor: Path
    fail_fast: bool

    @property
    def tally(self) -> Path:
        """A hidden file in ``out`` that grows by one line a clip while the shard is made: progress is read from it."""
        return self.out / f".{self.name}.tally"


@dataclass(frozen=True)
class Result:
    """What a worker made of a job: the entries of its clips, and their rows with the hash of what was read."""

    entries: tuple[Entry, ...]
    rows: tuple[Row, ...]


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
) -> list[Entry]:
    """Make the shards, manifest, ledger and dataset.json of a corpus.

    Order and content depend on rows, pipeline and predictor only, never on ``jobs``.

    Args:
        corpus: the folder that the rows' paths start from.
        out: the shard folder; it must be empty or not be there.

    Returns:
        One entry for every row, sorted by clip_id.

    Raises:
        LipdataError: ``out`` is not empty, or the predictor cannot be used.
        FirstFailure: with ``fail_fast``, at the first clip that fails.
    """
    if not corpus.is_dir():
        raise LipdataError(f"{corpus} is no folder; give the folder that the manifest's paths start from")
    _require_empty(out)
    out.mkdir(parents=True, exist_ok=True)
    plan = _plan(corpus, rows, out, pipeline, predictor, fail_fast)
    results: list[Result] = []
    with (
        _watch(plan, report),
        _alive(),
        joblib.parallel_config("loky", n_jobs=min(jobs, len(plan)), inner_max_num_threads=1),
    ):
        results.extend(
            joblib.Parallel(return_as="generator_unordered")(joblib.delayed(make_shard)(job) for job in plan)
        )
    entries = sorted((entry for result in results for entry in result.entries), key=lambda entry: entry.clip_id)
    manifest.write(out / "manifest.csv", (row for result in results for row in result.rows))
    ledger.write(out / "ledger.csv", entries)
    about = _about(pipeline, plan, entries)
    files.write_whole(out / "dataset.json", (json.dumps(about, indent=2, sort_keys=True) + "\n").encode())
    return entries


def make_shard(job: Job) -> Result:
    """Make one whole shard. A clip that cannot be used becomes a failed entry and leaves its neighbours alone."""
    cv2.setNumThreads(1)
    # Not for speed alone: a product summed by two threads differs in its last bit from one summed by one.
    with threadpool_limits(1):
        return _make_shard(job)


def _make_shard(job: Job) -> Result:
    finder = _finder(job.predictor)
    made: list[Made] = []
    entries: list[Entry] = []
    hashes: dict[str, str] = {}
    start = 0
    with job.tally.open("a", buffering=1) as tally:
        for row in job.rows:
            try:
                where = locate(row, job.corpus)
                hashes[row.clip_id] = where.sha256
                clip = _made(row, where, finder, job.pipeline)
                entries.append(_ok(clip, job, start))
                made.append(clip)
                start += len(clip.data.frames)
            except ClipError as error:
                if job.fail_fast:
                    raise FirstFailure(f"{row.clip_id} failed: {error}; stopped at the first failure") from error
                entries.append(Entry(row.clip_id, FAILED, error.stage, error.reason))
            tally.write(f"{entries[-1].status}\n")
    if made:
        shards.write_shard(job.out / f"{job.name}.h5", [clip.data for clip in made], _attributes(job))
    rows = tuple(replace(row, sha256=row.sha256 or hashes.get(row.clip_id, "")) for row in job.rows)
    return Result(tuple(entries), rows)


def _made(row: Row, where: Source, finder: FaceFinder, pipeline: Pipeline) -> Made:
    try:
        return make_clip(row, where, finder, pipeline)
    except UNFORESEEN as error:
        raise ClipError("unforeseen", f"{type(error).__name__}: {str(error)[:200]}; please report it") from error


def _require_empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LipdataError(f"{out} is there and not empty; nothing is overwritten: remove it or choose another with -o")


def _plan(
    corpus: Path, rows: Sequence[Row], out: Path, pipeline: Pipeline, predictor: Path, fail_fast: bool
) -> list[Job]:
    ordered = sorted(rows, key=lambda row: row.clip_id)
    size = pipeline.shards.clips
    digest = pipeline.digest(files.sha256(predictor))
    chunks = [tuple(ordered[first : first + size]) for first in range(0, len(ordered), size)]
    return [
        Job(f"{pipeline.corpus.name}-{number:05d}", chunk, corpus, out, pipeline, digest, predictor, fail_fast)
        for number, chunk in enumerate(chunks)
    ]


@functools.cache
def _finder(predictor: Path) -> FaceFinder:
    """The predictor is 100 MB: loaded once a worker."""
    return FaceFinder(predictor)


def _ok(clip: Made, job: Job, start: int) -> Entry:
    n_frames = len(clip.data.frames)
    return Entry(
        clip_id=clip.data.clip_id,
        status=OK,
        reason=clip.damage,
        shard=f"{job.name}.h5",
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


@contextmanager
def _alive() -> Iterator[None]:
    """A worker's death, told in one line."""
    try:
        yield
    except TerminatedWorkerError as error:
        raise LipdataError("a worker was killed, for want of memory perhaps; try again with a smaller -j") from error


@contextmanager
def _watch(plan: Sequence[Job], report: Report) -> Iterator[None]:
    """Report the workers' tallies four times a second."""
    done = threading.Event()

    def count() -> None:
        lines = [line for job in plan if job.tally.exists() for line in job.tally.read_text().splitlines()]
        report(len(lines), lines.count(FAILED))

    def watch() -> None:
        while not done.wait(0.25):
            count()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        count()
        for job in plan:
            job.tally.unlink(missing_ok=True)


def _about(pipeline: Pipeline, plan: Sequence[Job], entries: Sequence[Entry]) -> dict[str, object]:
    ok = sum(entry.status == OK for entry in entries)
    return {
        "format": shards.FORMAT,
        "version": shards.VERSION,
        "pipeline": asdict(pipeline),
        "pipeline_digest": plan[0].pipeline_digest,
        "found": len(entries),
        "ok": ok,
        "failed": len(entries) - ok,
        "shards": sorted({entry.shard for entry in entries if entry.shard}),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on: ffmpeg, dlib, opencv, librosa, and lipdata itself."""
    said = subprocess.run([ffmpeg_binary(), "-version"], capture_output=True, text=True, check=True).stdout
    packages = {"dlib": "dlib-bin", "opencv": "opencv-python-headless", "librosa": "librosa", "lipdata": "lipdata"}
    return {"ffmpeg": said.split()[2]} | {name: metadata.version(package) for name, package in packages.items()}
