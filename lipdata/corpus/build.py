"""A corpus folder -> its manifest CSV, every file hashed."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from lipdata.config import load_pipeline
from lipdata.corpus.layouts import CorpusScan, scan_corpus, with_sha256
from lipdata.corpus.manifest import write_manifest
from lipdata.errors import LipdataError

# Opens a progress bar over so many clips, and gives a function to call with the clips done.
Watch = Callable[[int], AbstractContextManager[Callable[[int], None]]]


def make_manifest(
    corpus: Path,
    out: Path,
    *,
    pipeline: str = "grid",
    test_speakers: Sequence[str] | None = None,
    val_fraction: float | None = None,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> CorpusScan:
    """Write the manifest of a corpus folder. The split of a clip depends on its own name only.

    Args:
        pipeline: a pipeline's name, or the path of a ``.toml`` file.
        test_speakers: speakers to test on; None for the pipeline's.
        val_fraction: share of the other clips to validate on; None for the pipeline's.

    Raises:
        LipdataError: ``out`` is there, no clip, or two files of one clip_id.
        ClipError: a file is a link that leaves the folder.
    """
    if out.exists() and not overwrite:
        raise LipdataError(f"{out} is there already; choose another -o or say --overwrite")
    rule = load_pipeline(pipeline).corpus
    if test_speakers is not None:
        rule = replace(rule, test_speakers=tuple(test_speakers))
    if val_fraction is not None:
        rule = replace(rule, val_fraction=val_fraction)
    scan = scan_corpus(corpus, rule)
    rows = []
    with (watch or _silent)(len(scan.rows)) as done:
        for row in scan.rows:
            rows.append(with_sha256(row, corpus))
            done(len(rows))
    write_manifest(out, rows)
    return CorpusScan(rows, scan.unmatched)


def _silent(total: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda done: None)
