"""What a sync table says: whose sound is late and by how much, and how many clips deserve a look."""

from dataclasses import dataclass

import pandas as pd

# From here on an offset is taken to be right: measured in docs/sync.md.
CONFIDENT_SD = 2.0
# Sound further off than this can be seen, and is what the table is asked about.
BEYOND_FRAMES = 1.0


@dataclass(frozen=True)
class SyncCounts:
    """Clips of a sync table.

    Attributes:
        answered: with an offset; of these ``beyond`` are confident and beyond 1 frame, ``unsure`` are not confident.
        no_answer: how many have none, by reason, most frequent first.
    """

    answered: int
    beyond: int
    unsure: int
    no_answer: dict[str, int]

    def line(self) -> str:
        """The counts for a person."""
        return (
            f"sync.csv: {self.answered} clips answered, of them {self.beyond} beyond {BEYOND_FRAMES:g} frame and "
            f"confident, {self.unsure} not confident; {sum(self.no_answer.values())} without an answer"
        )


def count_sync(table: pd.DataFrame) -> SyncCounts:
    """Count a table of :func:`lipdata.shards.read_sync`."""
    reasons = table.reason[table.reason != ""].value_counts()
    return SyncCounts(
        answered=int((table.reason == "").sum()),
        beyond=int(is_beyond(table).sum()),
        unsure=int((table.confidence_sd < CONFIDENT_SD).sum()),
        no_answer={str(reason): int(count) for reason, count in reasons.items()},
    )


def is_confident(table: pd.DataFrame) -> pd.Series:
    """Of which clips the offset is taken to be right [shape=(clips,)]."""
    return table.confidence_sd >= CONFIDENT_SD


def is_beyond(table: pd.DataFrame) -> pd.Series:
    """Which clips are confidently off by more than a frame, as they lie in the shards [shape=(clips,)]."""
    return is_confident(table) & (table.offset_frames.abs() > BEYOND_FRAMES)


def sound_offset_s(table: pd.DataFrame) -> pd.Series:
    """Seconds by which the sound is late in each clip's source file, where confident; else 0 [shape=(clips,)]."""
    late_s = (table.moved_s + table.offset_frames / table.fps).round(6)
    return late_s.where(is_confident(table), 0.0)
