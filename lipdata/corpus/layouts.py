"""A corpus folder -> manifest rows. How a corpus lays out its clips stands in its pipeline file, not here."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lipdata.config import CorpusConfig
from lipdata.corpus.manifest import SPLITS, ManifestRow, require_unique, split_of
from lipdata.corpus.source import locate
from lipdata.errors import LipdataError

VIDEO_SUFFIXES = ".3gp .asf .avi .dv .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv"
SOUND_SUFFIXES = ".aac .ac3 .aif .aiff .flac .m4a .mp3 .ogg .opus .wav .wma"
SHOWN_PATHS = 3
# What counts as a media file, in any case.
MEDIA_SUFFIXES = frozenset(f"{VIDEO_SUFFIXES} {SOUND_SUFFIXES}".split())


@dataclass(frozen=True)
class CorpusScan:
    """What lies below a corpus folder.

    Attributes:
        rows: the clips, sorted by clip_id, not yet hashed.
        unmatched: POSIX paths of media files that fit no layout and that no row names, sorted.
    """

    rows: list[ManifestRow]
    unmatched: list[str]

    def lines(self) -> list[str]:
        """Counts for a person, with the first unmatched paths."""
        splits = Counter(row.split for row in self.rows)
        counts = ", ".join(f"{name or 'no split'} {n}" for name, n in sorted(splits.items()))
        lines = [f"{len(self.rows)} clips ({counts})"]
        if self.unmatched:
            lines.append(unmatched_line(len(self.unmatched), self.unmatched))
        return lines


def unmatched_line(count: int, paths: Sequence[str]) -> str:
    """One line about media files that fit no layout, with the first three names."""
    more = ", ..." if count > SHOWN_PATHS else ""
    return f"unmatched {count} media files fit no layout: {', '.join(paths[:SHOWN_PATHS])}{more}"


def scan_corpus(folder: Path, corpus: CorpusConfig) -> CorpusScan:
    """All files below ``folder``: those whose path matches the corpus' layout become rows.

    Raises:
        LipdataError: no such folder, no clip in it, or two files of one clip_id.
    """
    if not folder.is_dir():
        raise LipdataError(f"{folder} is no folder; give the corpus folder, e.g. lipdata ingest grid/")
    layout = re.compile(corpus.layout)
    paths = list(_files(folder))
    matches = {path: match for path in paths if (match := layout.fullmatch(path))}
    rows = [_row(path, match.groupdict(default=""), corpus) for path, match in matches.items()]
    if not rows:
        raise LipdataError(
            f"{folder} holds no clip of the layout {corpus.name!r} among {len(paths)} files (looked for "
            f"{corpus.layout}); choose another --pipeline or write one"
        )
    require_unique(rows, str(folder))
    unmatched = [path for path in paths if Path(path).suffix.lower() in MEDIA_SUFFIXES and path not in matches]
    return CorpusScan(sorted(rows, key=lambda row: row.clip_id), sorted(unmatched))


def with_sha256(row: ManifestRow, folder: Path) -> ManifestRow:
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


def _row(path: str, groups: dict[str, str], corpus: CorpusConfig) -> ManifestRow:
    speaker = groups.get("speaker", "")
    clip_id = f"{speaker}/{groups['stem']}" if speaker else groups["stem"]
    split = groups.get("split") or split_of(clip_id, speaker, corpus.test_speakers, corpus.val_fraction)
    if split not in SPLITS:
        raise LipdataError(f"{path}: the layout's group split gives {split!r}; allowed: train, val, test")
    return ManifestRow(
        clip_id, speaker, split, path, transcript=groups.get("transcript") or _transcript(groups["stem"], corpus)
    )


def _transcript(stem: str, corpus: CorpusConfig) -> str:
    """The words that the letters of the stem stand for; empty where they do not spell a whole sentence."""
    if not corpus.words or len(stem) != len(corpus.words):
        return ""
    words = [table.get(letter, "") for letter, table in zip(stem, corpus.words, strict=True)]
    return " ".join(words) if all(words) else ""
