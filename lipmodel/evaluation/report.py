"""What an evaluation found: as a record, as JSON, and as a table for people."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lipdata.errors import LipdataError
from lipmodel.evaluation.aggregate import METRICS, TRUTH, VIDEOS
from lipmodel.evaluation.bootstrap import Mean
from lipmodel.evaluation.markdown import TITLES, format_mean, format_metric, markdown_table, metric_titles
from lipmodel.evaluation.published import TABLE_2, TABLE_3

Means = dict[str, Mean]
# What stands beside the paper's columns only.
AS_THE_PAPER = ("lmd_template", "psnr_uint8")
AS_A_MEAN = (
    "LMD template sums over 20 points, as the authors' code does; what the paper prints can only be a mean: "
    "compare a twentieth."
)
PLAIN = tuple(name for name in METRICS if name not in AS_THE_PAPER)
NOT_SYNCNETS = "Sync distance and confidence are of lipmodel's own network, not of SyncNet: no LSE-D, no LSE-C."


@dataclass(frozen=True)
class Evaluation:
    """One run, measured on one split. found = measured + too_short + not_in_shards.

    Attributes:
        step: of the checkpoint.
        checkpoint_sha256, manifest_sha256: of the files.
        shards_digest: of what all shards hold.
        corpus: name of the corpus in the shards' pipeline.
        found: clips that the manifest puts into the split.
        too_short: clips without a whole window.
        not_in_shards: clips that the shards do not hold, as ingest could not take them.
        learnt_from: clips measured that the run has also learnt from; None where its manifest is gone.
        windows, frames: measured; frames of overlapping windows count once in each.
        videos: the means over all clips, by video and metric.
        speakers: the same by speaker.
        without_landmarks: frames that have no distance, by video: the real one or its own has no landmarks.
        examples: the clips drawn as best, median and worst, by the model's LMD.
        versions: of the packages that the numbers depend on, and the digest of the sync network's weights.
    """

    variant: str
    preset: str
    seed: int
    step: int
    checkpoint_sha256: str
    shards: str
    shards_digest: str
    corpus: str
    pipeline_digest: str
    manifest_sha256: str
    split: str
    found: int
    measured: int
    too_short: int
    not_in_shards: int
    learnt_from: int | None
    windows: int
    frames: int
    videos: dict[str, Means]
    speakers: dict[str, dict[str, Means]]
    without_landmarks: dict[str, dict[str, int]]
    examples: dict[str, str]
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """For ``evaluation.json``. JSON has no infinity: a mean that is null over some clips is infinite."""
        table = asdict(self)
        for means in (*table["videos"].values(), *(m for s in table["speakers"].values() for m in s.values())):
            for mean in means.values():
                if mean["mean"] is not None and math.isinf(mean["mean"]):
                    mean["mean"] = None
        return table

    def lines(self, *, paper: bool = False) -> list[str]:
        """The table for a person, what it was measured on, and what must be known to believe it."""
        columns = METRICS if paper else PLAIN
        rows = [[video, *(format_mean(name, means[name]) for name in columns)] for video, means in self.videos.items()]
        if paper:
            rows += [
                [label, *(format_metric(n, row.get(n)) for n in columns)] for label, row in self._published().items()
            ]
        about = f"variant {self.variant}, preset {self.preset}, step {self.step}, on split {self.split}"
        return [
            f"{about}: {self.measured} clips of {len(self.speakers)} speakers, {self.windows} windows",
            "",
            markdown_table(["video", *metric_titles(columns)], rows),
            "",
            *self._remarks(columns),
            *(self._remarks_on_the_paper() if paper else []),
        ]

    def _published(self) -> dict[str, dict[str, float]]:
        rows = {f"paper: {video}": row for video, row in TABLE_3.get(self.corpus, {}).items()}
        if self.variant in TABLE_2 and self.corpus == "grid":
            rows[f"paper: {self.variant}, Table 2"] = TABLE_2[self.variant]
        return rows

    def _remarks(self, columns: Sequence[str]) -> list[str]:
        """What a reader must know before believing the table."""
        remarks = [f"Means over clips, bootstrap 95 % intervals over clips; {self.frames} frames a row."]
        if self.measured < self.found:
            gone = f"{self.not_in_shards} are not in the shards (failed in ingest), {self.too_short} are too short"
            remarks.append(f"Of {self.found} clips of the split, {gone}.")
        for video, missing in self.without_landmarks.items():
            for name in columns:
                if missing.get(name):
                    frames = f"{missing[name]} of {self.frames} frames, real or its own, have no landmarks"
                    remarks.append(f"{video}: {frames} and count in no {TITLES[name]}.")
        unknown = self.measured - self.videos[TRUTH]["sync_distance"].clips
        if unknown:
            kinds = "under 24 frames, or of another frame rate, crop or mel than the sync network knows"
            remarks.append(f"{unknown} of {self.measured} clips have no sync distance and confidence: {kinds}.")
        if unknown < self.measured:
            remarks.append(NOT_SYNCNETS)
        if self.learnt_from is None:
            remarks.append("The manifest that the run learnt from is gone: whether it knew these clips is not known.")
        elif self.learnt_from:
            remarks.append(f"The run has learnt from {self.learnt_from} of these clips: no measure of unseen ones.")
        return remarks

    def _remarks_on_the_paper(self) -> list[str]:
        if self.corpus not in TABLE_3:
            return [f"The paper has no numbers for corpus {self.corpus!r}."]
        return [AS_A_MEAN, "PSNR uint8 wraps at 256, as the authors' code does: two unrelated pictures score 27.9."]


def read_evaluation(path: Path) -> Evaluation:
    """Read an ``evaluation.json``.

    Raises:
        LipdataError: no such file, or one that this version did not write.
    """
    try:
        table = json.loads(path.read_bytes())
        videos = _means(table["videos"])
        speakers = {speaker: _means(each) for speaker, each in table["speakers"].items()}
        return Evaluation(**table | {"videos": videos, "speakers": speakers})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise LipdataError(f"{path} is no evaluation of this lipmodel: {error}; remove it to measure anew") from error


def _means(videos: dict[str, dict[str, Any]]) -> dict[str, Means]:
    return {video: {name: _mean(**videos[video][name]) for name in METRICS} for video in VIDEOS}


def _mean(mean: float | None, low: float | None, high: float | None, clips: int) -> Mean:
    if not all(value is None or isinstance(value, int | float) for value in (mean, low, high)):
        raise TypeError(f"mean {mean!r}, interval {low!r} to {high!r}: no numbers")
    return Mean(math.inf if mean is None and clips else mean, low, high, clips)
