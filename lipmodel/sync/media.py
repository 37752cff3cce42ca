"""Media files -> offset and confidence, without an ingest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lipdata
from lipdata.errors import ClipError, LipdataError
from lipdata.shards import Clip, SyncEntry, write_sync
from lipmodel.sync.answer import Sync, sync_offset
from lipmodel.sync.foreign import ForeignPairs
from lipmodel.sync.network import SyncNetwork
from lipmodel.sync.shard_folder import entry_of, require_place


@dataclass(frozen=True)
class MediaSync:
    """What was measured of media files.

    Attributes:
        path: of the CSV; None where none was asked for, or no file can be used.
        answers: by the file's name, as it was given.
        failed: files that cannot be used, by name, with stage and reason.
        foreign: of the model card, what confidence_sd is held against.
    """

    path: Path | None
    answers: dict[str, Sync]
    failed: dict[str, str]
    foreign: ForeignPairs

    def lines(self) -> list[str]:
        """One line a file, and what confidence_sd is held against."""
        lines = [f"{name}: {_line(answer)}" for name, answer in self.answers.items()]
        return [*lines, *(f"{name}: failed: {why}" for name, why in self.failed.items()), self.foreign.line()]


def sync_media(
    files: Sequence[Path], out: Path | None = None, *, network: SyncNetwork, overwrite: bool = False
) -> MediaSync:
    """Measure media files, one by one; with ``out`` also as a CSV of the kind of sync.csv, clips called by their
    stem; files that cannot be used are not in it.

    Raises:
        LipdataError: ``out`` is there or cannot be written, one of the files is a folder, or two have one stem.
    """
    folder = next((path for path in files if path.is_dir()), None)
    if folder is not None:
        raise LipdataError(f"{folder} is a folder; give media files, or for shards: lipmodel sync {folder}")
    stems = [path.stem for path in files]
    doubled = next((stem for stem in stems if stems.count(stem) > 1), None)
    if out is not None and doubled is not None:
        raise LipdataError(f"two files are called {doubled!r}, which would be one clip of {out}; leave out -o")
    if out is not None:
        require_place(out, overwrite=overwrite)
    foreign = network.own_foreign()
    answers: dict[str, Sync] = {}
    failed: dict[str, str] = {}
    entries: list[SyncEntry] = []
    for path in files:
        try:
            clip = lipdata.load_clip(path)
        except ClipError as error:
            failed[str(path)] = f"{error.stage}: {error.reason}"
            continue
        answers[str(path)] = sync_offset(clip, network=network)
        entries.append(_entry(clip, answers[str(path)]))
    if out is not None and not entries:
        out = None  # a table of nothing would look like an answer
    if out is not None:
        write_sync(out, entries)
    return MediaSync(out, answers, failed, foreign)


def _line(answer: Sync) -> str:
    if answer.offset_frames is None:
        return f"no answer: {answer.reason}"
    late = "late" if answer.offset_frames > 0 else "early"
    sure = f"confidence {answer.confidence:.3f}, {answer.confidence_sd:.1f} sd"
    return f"sound {abs(answer.offset_frames):.2f} frames {late} (offset_frames {answer.offset_frames:+.2f}); {sure}"


def _entry(clip: Clip, answer: Sync) -> SyncEntry:
    return entry_of(clip.clip_id, clip.sha256, clip.fps, len(clip), answer)
