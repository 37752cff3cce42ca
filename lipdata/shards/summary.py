"""What a shard folder holds, in numbers: for people as lines, for programs as one JSON object."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lipdata.corpus import SHOWN_PATHS, read_manifest, unmatched_line
from lipdata.shards.ledger import FAILED, OK, UNMATCHED, read_ledger
from lipdata.shards.schema import n_windows


@dataclass(frozen=True)
class Summary:
    """Counts of a shard folder.

    Attributes:
        hours: of clips that are ok.
        windows: of 16 frames, stride 8, that the ok clips give; ``windows_by_split`` of the manifest as used.
        failures: how many clips failed, by stage and reason (figures in a reason shown as N).
        complaints: clips that are ok though the decoder complained.
        unmatched: media files of the corpus folder that fit no layout, and so are no clips; ``unmatched_paths`` are
            the first three.
        sound_moved: clips whose sound ``--sync-csv`` moved.
    """

    folder: str
    found: int
    ok: int
    failed: int
    hours: float
    windows: int
    windows_by_split: dict[str, int]
    speakers: dict[str, int]
    shards: int
    frames_interpolated: int
    complaints: int
    failures: dict[str, int]
    unmatched: int
    unmatched_paths: list[str]
    sound_moved: int

    def lines(self) -> list[str]:
        """The summary for a person."""
        splits = ", ".join(f"{name or 'no split'} {count}" for name, count in self.windows_by_split.items())
        text = [
            f"found {self.found} = ok {self.ok} + failed {self.failed}",
            f"{self.hours:.3f} hours, {self.windows} windows of 16 frames ({splits})",
            f"{len(self.speakers)} speakers: " + ", ".join(f"{name} {count}" for name, count in self.speakers.items()),
            f"{self.shards} shards in {self.folder}",
        ]
        if self.frames_interpolated or self.complaints:
            text.append(
                f"{self.frames_interpolated} frames interpolated; the decoder complained of {self.complaints} ok clips"
            )
        text += [f"failed {count}: {reason}" for reason, count in self.failures.items()]
        if self.unmatched:
            text.append(unmatched_line(self.unmatched, self.unmatched_paths))
        if self.sound_moved:
            text.append(f"sound moved in {self.sound_moved} clips by --sync-csv: ledger column sync_offset_s")
        return text


def summarise(folder: Path) -> Summary:
    """Count what a shard folder's ledger and manifest list.

    Raises:
        LipdataError: one of them is missing or cannot be read.
    """
    table = read_ledger(folder / "ledger.csv")
    rows = {row.clip_id: row for row in read_manifest(folder / "manifest.csv")}
    ok, failed, unmatched = (table[table.status == status] for status in (OK, FAILED, UNMATCHED))
    windows = ok.n_frames.map(n_windows)
    by_split = windows.groupby(ok.clip_id.map(lambda clip_id: rows[clip_id].split if clip_id in rows else "")).sum()
    speakers = Counter((rows[clip_id].speaker if clip_id in rows else "") or "no speaker" for clip_id in ok.clip_id)
    return Summary(
        folder=str(folder),
        found=len(table) - len(unmatched),
        ok=len(ok),
        failed=len(failed),
        hours=round(float(ok.seconds.sum()) / 3600, 6),
        windows=int(windows.sum()),
        windows_by_split={str(name): int(count) for name, count in by_split.items()},
        speakers=dict(sorted(speakers.items())),
        shards=ok.shard.nunique(),
        frames_interpolated=int(ok.frames_interpolated.sum()),
        complaints=int((ok.reason != "").sum()),
        failures=_failures(failed),
        unmatched=len(unmatched),
        unmatched_paths=sorted(unmatched.clip_id)[:SHOWN_PATHS],
        sound_moved=int((ok.sync_offset_s != 0).sum()),
    )


def _failures(failed: pd.DataFrame) -> dict[str, int]:
    """Counted by stage and reason, most frequent first; figures differ from clip to clip, so they count as alike."""
    alike = failed.reason.str.replace(r"\d+", "N", regex=True).str.slice(0, 120)
    counts = (failed.stage + ": " + alike).value_counts()
    return {str(reason): int(count) for reason, count in counts.items()}
