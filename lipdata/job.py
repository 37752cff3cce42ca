"""What one worker makes: one whole shard, of clips that follow each other in the manifest."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lipdata import files
from lipdata.errors import LipdataError
from lipdata.ledger import Entry
from lipdata.manifest import Row
from lipdata.pipeline import Pipeline
from lipdata.versions import versions


@dataclass(frozen=True)
class Job:
    """All that a worker needs to make one shard.

    Attributes:
        rows: in the manifest's order.
        corpus, out, predictor: absolute, the same on every machine that works.
        parent_pid: the process that runs it all; a worker that it has started ends with it.
        versions: of what the numbers depend on, where the run was begun.
    """

    name: str
    rows: tuple[Row, ...]
    corpus: Path
    out: Path
    pipeline: Pipeline
    pipeline_digest: str
    predictor: Path
    fail_fast: bool
    parent_pid: int
    versions: Mapping[str, str]

    @property
    def shard(self) -> Path:
        """The file that it becomes, if one of its clips is ok."""
        return self.out / f"{self.name}.h5"


@dataclass(frozen=True)
class Result:
    """What became of a job.

    Attributes:
        entries: of its clips, in their order.
        rows: of its clips, with the hash of what was read.
        content_sha256: of the shard; empty where no clip is ok, and so no shard is.
        file_sha256: of its file's bytes; empty likewise.
    """

    name: str
    entries: tuple[Entry, ...]
    rows: tuple[Row, ...]
    content_sha256: str
    file_sha256: str


def plan(
    corpus: Path, rows: Sequence[Row], out: Path, pipeline: Pipeline, predictor: Path, *, fail_fast: bool
) -> list[Job]:
    """The jobs of a manifest, by name. They depend on its rows and the pipeline alone.

    Raises:
        LipdataError: there are no rows.
    """
    if not rows:
        raise LipdataError("a manifest of no clips; give one with clips in it")
    corpus, out, predictor = corpus.absolute(), out.absolute(), predictor.absolute()
    ordered = sorted(rows, key=lambda row: row.clip_id)
    size = pipeline.shards.clips
    digest = pipeline.digest(files.sha256(predictor))
    chunks = [tuple(ordered[first : first + size]) for first in range(0, len(ordered), size)]
    return [
        Job(
            f"{pipeline.corpus.name}-{number:05d}",
            chunk,
            corpus,
            out,
            pipeline,
            digest,
            predictor,
            fail_fast,
            os.getpid(),
            versions(),
        )
        for number, chunk in enumerate(chunks)
    ]


def rows_digest(rows: Sequence[Row]) -> str:
    """SHA-256 of what a manifest says of its clips, but for the hash of a file where the manifest gives none."""
    told = [asdict(row) for row in sorted(rows, key=lambda row: row.clip_id)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
