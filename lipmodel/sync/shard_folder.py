"""The clips of a shard folder -> sync.csv: one shard a task, what is measured is kept whatever happens."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import joblib
import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console
from rich.progress import Progress

from lipdata.atomic_files import exclusive_lock, sha256_of_file, write_atomic
from lipdata.errors import LipdataError
from lipdata.shards import SYNC_FILE, Shard, ShardFolder, SyncEntry, count_sync, read_ledger, read_sync, write_sync
from lipmodel.sync.answer import Measured, Sync, measured, rated, require_pipeline, why_no_answer
from lipmodel.sync.curve import Curve
from lipmodel.sync.foreign import FEWEST_CLIPS, ForeignPairs, foreign_pairs, sampled_clips
from lipmodel.sync.network import SyncNetwork, load_sync

DECIMALS = 4
# A worker died; or the server that workers are forked from, as one was asked for.
DEATHS = (TerminatedWorkerError, EOFError, ConnectionError)
# How much a folder's foreign pairs vary, as a share of the model card's. People's speech, clipped, mixed or 30 frames
# short, varies by .96 and more; noise, music, single words, still and covered mouths vary by .47 at most, and chance
# would look like a peak (docs/benchmarks/sync_hostile.md).
LEAST_DEVIATION = 0.6


@dataclass(frozen=True)
class FolderSync:
    """What was measured.

    Attributes:
        path: of sync.csv.
        answers: by clip id.
        foreign: what confidence_sd is measured by.
        note: why these are the model card's; empty where they are the folder's own.
    """

    path: Path
    answers: dict[str, Sync]
    foreign: ForeignPairs
    note: str = ""

    def lines(self) -> list[str]:
        """The counts for a person, and what confidence_sd is held against."""
        offsets = [answer.offset_frames for answer in self.answers.values() if answer.offset_frames is not None]
        lines = [count_sync(read_sync(self.path)).line()]
        if offsets:
            low, middle, high = np.percentile(offsets, [5, 50, 95])
            lines.append(f"offset_frames: median {middle:+.2f}, 90 % of the clips within {low:+.2f} and {high:+.2f}")
        return [*lines, *([self.note] if self.note else []), self.foreign.line()]


def sync_folder(
    shards: Path | str,
    out: Path | str | None = None,
    *,
    network: SyncNetwork | None = None,
    workers: int | None = None,
    overwrite: bool = False,
) -> FolderSync:
    """Measure every clip of a shard folder and write sync.csv; the same call again goes on where the last was stopped.

    Args:
        out: the CSV; None for ``SHARDS/sync.csv``.
        network: None for that which ships.
        workers: processes, None for one a core; they change no number.

    Raises:
        LipdataError: no shards, of another frame rate, crop or mel than the network knows, or ``out`` is there.
    """
    folder, network = ShardFolder(shards), network or load_sync()
    out = Path(out) if out else folder.path / SYNC_FILE
    require_pipeline(folder.pipeline, network, folder.path)
    require_place(out, overwrite=overwrite)
    if len(folder) < FEWEST_CLIPS:
        network.own_foreign()  # is needed, and may not be there: better now than when all is measured
    moved = _moved_s(folder)
    with _state_folder(out) as state:
        found = _measured_clips(folder, network, state, workers or joblib.cpu_count())
        foreign, note = _foreign_of(folder, found, network)
        answers = {clip_id: each if isinstance(each, Sync) else rated(each, foreign) for clip_id, each in found.items()}
        places = [place for shard in folder.shards for place in shard.clips]
        fps = folder.pipeline.video.fps
        rows = [
            entry_of(place.clip_id, place.sha256, fps, place.length, answers[place.clip_id], moved[place.clip_id])
            for place in places
        ]
        write_sync(out, rows)
    return FolderSync(out, answers, foreign, note)


def require_place(out: Path, *, overwrite: bool) -> None:
    """Refuse, before anything is measured, a CSV that cannot be written; its folder is made.

    Raises:
        LipdataError: it is there and ``overwrite`` is not allowed, or its folder cannot be made or written to.
    """
    if out.exists() and not overwrite:
        raise LipdataError(f"{out} is there already; choose another with -o, or allow --overwrite")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out.parent, error) from error
    if not os.access(out.parent, os.W_OK):
        raise LipdataError(f"{out.parent} cannot be written to: Permission denied; choose another with -o")


def _unwritable(folder: Path, error: OSError) -> LipdataError:
    what = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
    return LipdataError(f"{folder} cannot be written to: {what}; choose another with -o")


def entry_of(clip_id: str, sha256: str, fps: int, n_frames: int, answer: Sync, moved_s: float = 0.0) -> SyncEntry:
    """A clip's row of sync.csv."""
    names = ("offset_frames", "distance", "confidence", "confidence_sd", "offset_min", "offset_max")
    figures = {name: getattr(answer, name) for name in names}
    rounded = {name: None if value is None else round(value, DECIMALS) for name, value in figures.items()}
    return SyncEntry(clip_id, sha256, fps, n_frames, moved_s=moved_s, reason=answer.reason, **rounded)


def _moved_s(folder: ShardFolder) -> dict[str, float]:
    """By how much the sound of each clip was moved earlier, by the ledger: of an older sync.csv nothing is read."""
    ledger = read_ledger(folder.path / "ledger.csv")
    return dict(zip(ledger.clip_id, ledger.sync_offset_s, strict=True))


@contextmanager
def _state_folder(out: Path) -> Iterator[Path]:
    """Where each shard's curves wait until all are there; it stays only where the run is stopped."""
    state = out.with_name(f".{out.name}.measured")
    try:
        state.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(state.parent, error) from error
    with exclusive_lock(state / "lock", str(out)):
        yield state
        shutil.rmtree(state)


def _measured_clips(
    folder: ShardFolder, network: SyncNetwork, state: Path, processes: int
) -> dict[str, Measured | Sync]:
    """Of every clip its curves, or why it has no answer."""
    weights = sha256_of_file(network.path)
    tasks = [(shard.path, network, _state_file(state, shard, weights)) for shard in folder.shards]
    clips = {shard.path: len(shard.clips) for shard in folder.shards}
    found: dict[str, Measured | Sync] = {}
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        shown = bar.add_task("clips", total=sum(clips.values()))
        for path, state_file in _worked_off(tasks, processes):
            found |= _read_state(state_file)
            bar.advance(shown, clips[path])
    return found


def _worked_off(tasks: Sequence[tuple[Path, SyncNetwork, Path]], processes: int) -> Iterator[tuple[Path, Path]]:
    if processes == 1 or len(tasks) == 1:
        for task in tasks:
            yield _measure_shard(None, *task)
        return
    # Not loaded before, as dlib comes with it, which training and generating do without.
    from lipdata.ingestion import process_pool_workers

    try:
        with process_pool_workers(min(processes, len(tasks)), None), Parallel(return_as="generator_unordered") as pool:
            yield from pool(delayed(_measure_shard)(os.getpid(), *task) for task in tasks)
    except DEATHS as error:
        raise LipdataError(
            "a worker process was killed, for want of memory perhaps; what is measured is kept: try the same command "
            "with a smaller -j"
        ) from error


def _measure_shard(parent_pid: int | None, path: Path, network: SyncNetwork, state_file: Path) -> tuple[Path, Path]:
    """Measure the clips of a shard, unless that is done."""
    if state_file.exists():
        return path, state_file
    if parent_pid is not None:
        from lipdata.ingestion import worker_context

        with worker_context(parent_pid):
            return _measure_shard(None, path, network, state_file)
    shard = Shard(path)
    rows = {place.clip_id: _row(measure_clip(shard, place.clip_id, network)) for place in shard.clips}
    write_atomic(state_file, json.dumps(rows).encode())
    return path, state_file


def measure_clip(shard: Shard, clip_id: str, network: SyncNetwork) -> Measured | Sync:
    """A clip's curves, or why it has no answer."""
    clip = shard.clip(clip_id)
    reason = why_no_answer(clip)
    return Sync(reason=reason) if reason else measured(network.embed(clip))


def _state_file(state: Path, shard: Shard, weights_sha256: str) -> Path:
    """Named by all that it depends on: what another run has left is not taken."""
    asked = f"{shard.attributes['content_sha256']} {weights_sha256} {metadata.version('lipdata')}"
    return state / f"{shard.path.stem}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"


def _row(clip: Measured | Sync) -> dict[str, object]:
    if isinstance(clip, Sync):
        return {"reason": clip.reason}
    curves = (clip.whole, *clip.windows)
    return {"cosines": [curve.cosines.tolist() for curve in curves], "frames": [curve.frames for curve in curves]}


def _read_state(path: Path) -> dict[str, Measured | Sync]:
    found: dict[str, Measured | Sync] = {}
    for clip_id, row in json.loads(path.read_bytes()).items():
        if "reason" in row:
            found[clip_id] = Sync(reason=row["reason"])
        else:
            curves = [Curve(np.array(c), n) for c, n in zip(row["cosines"], row["frames"], strict=True)]
            found[clip_id] = Measured(curves[0], curves[1:])
    return found


def _foreign_of(
    folder: ShardFolder, found: dict[str, Measured | Sync], network: SyncNetwork
) -> tuple[ForeignPairs, str]:
    """The folder's own foreign pairs, or those of the model card and why."""
    sampled = sampled_clips([clip_id for clip_id, clip in found.items() if isinstance(clip, Measured)])
    if len(sampled) < FEWEST_CLIPS:
        why = f"{len(sampled)} clips to compare, at least {FEWEST_CLIPS} wanted"
        return network.own_foreign(), f"{why}: confidence_sd by the model card's pairs"
    embedded = {clip_id: network.embed(folder[clip_id]) for clip_id in sampled}
    own = foreign_pairs(
        {clip_id: each.motion for clip_id, each in embedded.items()},
        {clip_id: each.sound for clip_id, each in embedded.items()},
        f"{len(sampled)} clips of {folder.path}",
    )
    return trusted_pairs(own, network)


def trusted_pairs(own: ForeignPairs, network: SyncNetwork) -> tuple[ForeignPairs, str]:
    """A folder's own foreign pairs, or those of the model card where its own are not of mouths and speech, and why."""
    if own.deviation > 0 and (network.foreign is None or own.deviation >= LEAST_DEVIATION * network.foreign.deviation):
        return own, ""
    card = network.own_foreign()
    share = f"{own.deviation / card.deviation:.2f} of the model card's, at least {LEAST_DEVIATION} wanted"
    return card, f"foreign pairs of {own.origin} vary by {share}: no speaking mouths; confidence_sd by the model card's"
