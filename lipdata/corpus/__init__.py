"""A corpus folder -> manifest rows, and the files that a row names.

The layout of a corpus stands in its pipeline file. The manifest is the CSV that researchers share: which clips there
are, and the split of each. No path leaves the corpus folder.
"""

from lipdata.corpus.build import Watch, make_manifest
from lipdata.corpus.layouts import MEDIA_SUFFIXES, SHOWN_PATHS, CorpusScan, scan_corpus, unmatched_line, with_sha256
from lipdata.corpus.manifest import ManifestRow, hash_fraction, read_manifest, split_of, write_manifest
from lipdata.corpus.source import Source, locate

__all__ = [
    "MEDIA_SUFFIXES",
    "SHOWN_PATHS",
    "CorpusScan",
    "ManifestRow",
    "Source",
    "Watch",
    "hash_fraction",
    "locate",
    "make_manifest",
    "read_manifest",
    "scan_corpus",
    "split_of",
    "unmatched_line",
    "with_sha256",
    "write_manifest",
]
