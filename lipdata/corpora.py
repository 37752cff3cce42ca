"""A corpus folder -> manifest rows. How a corpus lays out its clips stands in its pipeline file, not here."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lipdata.errors import LipdataError
from lipdata.manifest import SPLITS, Row, require_unique, split_of
from lipdata.pipeline import Corpus
from lipdata.source import locate


def find_clips(folder: Path, corpus: Corpus) -> list[Row]:
    """All files below ``folder`` whose path matches the corpus' layout, sorted by clip_id, not yet hashed.

    Raises:
        LipdataError: no such folder, no clip in it, or two files of one clip_id.
    """
    if not folder.is_dir():
        raise LipdataError(f"{folder} is no folder; give the corpus folder, e.g. lipdata ingest grid/")
    layout = re.compile(corpus.layout)
    n_files, rows = 0, []
    for path in _files(folder):
        n_files += 1
        match = layout.fullmatch(path)
        if match:
            rows.append(_row(path, match.groupdict(default=""), corpus))
    if not rows:
        raise LipdataError(
            f"{folder} holds no clip of the layout {corpus.name!r} among {n_files} files (looked for {corpus.layout}); "
            "choose another --pipeline or write one"
        )
    require_unique(rows, str(folder))
    return sorted(rows, key=lambda row: row.clip_id)


def hashed(row: Row, folder: Path) -> Row:
    """The row with the hash of its file. Raises ClipError where the file is a link that leaves the folder."""
    return replace(row, sha256=locate(row, folder).sha256)


def _files(folder: Path) -> Iterator[str]:
    """POSIX paths below ``folder``; a link to a file is judged when it is read."""
    for root, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort()
        linked = [name for name in folders if (Path(root) / name).is_symlink()]
        if linked:
            raise LipdataError(
                f"{Path(root) / linked[0]} is a linked folder; links are not followed: put the folder there"
            )
        for name in sorted(names):
            yield (Path(root) / name).relative_to(folder).as_posix()


def _refuse(error: OSError) -> None:
    raise LipdataError(f"{error.filename} cannot be listed: {error.strerror}; nothing below it would be found")


def _row(path: str, groups: dict[str, str], corpus: Corpus) -> Row:
    speaker = groups.get("speaker") or corpus.name
    clip_id = f"{speaker}/{groups['stem']}"
    split = groups.get("split") or split_of(clip_id, speaker, corpus.test_speakers, corpus.val_fraction)
    if split not in SPLITS:
        raise LipdataError(f"{path}: the layout's group split gives {split!r}; allowed: train, val, test")
    return Row(
        clip_id, speaker, split, path, transcript=groups.get("transcript") or _transcript(groups["stem"], corpus)
    )


def _transcript(stem: str, corpus: Corpus) -> str:
    """The words that the letters of the stem stand for; empty where they do not spell a whole sentence."""
    if not corpus.words or len(stem) != len(corpus.words):
        return ""
    words = [table.get(letter, "") for letter, table in zip(stem, corpus.words, strict=True)]
    return " ".join(words) if all(words) else ""
