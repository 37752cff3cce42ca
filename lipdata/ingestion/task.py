"""What one worker makes: one whole shard, of clips that follow each other in the manifest."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lipdata.config import Pipeline
from lipdata.corpus import ManifestRow
from lipdata.errors import LipdataError
from lipdata.face import FaceDetector, landmarks_path, open_detector
from lipdata.features import find_feature
from lipdata.ingestion.sound_offsets import SoundOffset, SoundOffsets
from lipdata.ingestion.versions import installed_versions
from lipdata.shards import LedgerEntry


@dataclass(frozen=True)
class Task:
    """All that a worker needs to make one shard.

    Attributes:
        rows: in the manifest's order.
        corpus, out: absolute, the same on every machine that works.
        landmarks: what ``--landmarks`` names, likewise; None for the predictor that comes with the packages.
        parent_pid: the process that runs it all; a worker that it has started ends with it.
        versions: of what the numbers depend on, where the run was begun.
        sound: the offsets of its clips in the table that ``--sync-csv`` names; None without.
    """

    name: str
    rows: tuple[ManifestRow, ...]
    corpus: Path
    out: Path
    pipeline: Pipeline
    pipeline_digest: str
    landmarks: Path | None
    landmarks_digest: str
    fail_fast: bool
    parent_pid: int
    versions: Mapping[str, str]
    sound: SoundOffsets | None

    @property
    def detector(self) -> FaceDetector:
        """What finds the landmarks, opened once in a process."""
        return open_detector(self.pipeline.lips.detector, self.landmarks)

    @property
    def shard(self) -> Path:
        """The file that it becomes, if one of its clips is ok."""
        return self.out / f"{self.name}.h5"

    def sound_offset(self, row: ManifestRow) -> SoundOffset | None:
        """That of one of its clips; None where there is no table, or the clip is not in it."""
        return self.sound.of_clip.get(row.clip_id) if self.sound else None


@dataclass(frozen=True)
class TaskResult:
    """What became of a task.

    Attributes:
        entries: of its clips, in their order.
        rows: of its clips, with the hash of what was read.
        content_sha256: of the shard; empty where no clip is ok, and so no shard is.
        file_sha256: of its file's bytes; empty likewise.
    """

    name: str
    entries: tuple[LedgerEntry, ...]
    rows: tuple[ManifestRow, ...]
    content_sha256: str
    file_sha256: str


def plan_tasks(
    corpus: Path,
    rows: Sequence[ManifestRow],
    out: Path,
    pipeline: Pipeline,
    landmarks: Path | None,
    *,
    fail_fast: bool,
    sound: SoundOffsets | None = None,
) -> list[Task]:
    """The tasks of a manifest, by name. They depend on its rows, the pipeline, landmarks and sync table alone.

    Raises:
        LipdataError: there are no rows, or the pipeline names a detector or a feature that is not installed.
    """
    if not rows:
        raise LipdataError("a manifest of no clips; give one with clips in it")
    corpus, out = corpus.absolute(), out.absolute()
    landmarks = landmarks_path(landmarks)
    ordered = sorted(rows, key=lambda row: row.clip_id)
    size = pipeline.shards.clips
    landmarks_digest = open_detector(pipeline.lips.detector, landmarks).digest
    digest = pipeline.digest(landmarks_digest)
    for name in pipeline.shards.features:
        find_feature(name)
    versions = installed_versions(pipeline)
    chunks = [tuple(ordered[first : first + size]) for first in range(0, len(ordered), size)]
    return [
        Task(
            f"{pipeline.corpus.name}-{number:05d}",
            chunk,
            corpus,
            out,
            pipeline,
            digest,
            landmarks,
            landmarks_digest,
            fail_fast,
            os.getpid(),
            versions,
            sound.of(chunk) if sound else None,
        )
        for number, chunk in enumerate(chunks)
    ]


def manifest_digest(rows: Sequence[ManifestRow]) -> str:
    """SHA-256 of what a manifest says of its clips, but for the hash of a file where the manifest gives none."""
    rows = sorted(rows, key=lambda row: row.clip_id)
    # Further columns count where there are some: manifests without keep the digest that they had before.
    tables = [{name: value for name, value in asdict(row).items() if name != "extra" or value} for row in rows]
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
