"""The files that a manifest's row names: found below the corpus folder, hashed."""

from dataclasses import dataclass
from pathlib import Path

from lipdata.atomic_files import sha256_of_file
from lipdata.corpus.manifest import ManifestRow
from lipdata.errors import ClipError


@dataclass(frozen=True)
class Source:
    """The files that a manifest's row names, found in the corpus folder; ``sha256`` is that of ``path``."""

    path: Path
    audio_path: Path | None
    sha256: str


def locate(row: ManifestRow, corpus: Path) -> Source:
    """Find and hash a row's files below ``corpus``, the folder that the manifest's paths start from.

    Raises:
        ClipError: stage ``manifest``: a file is not there, cannot be read, or lies outside the corpus once links
            are followed.
    """
    try:
        path = _inside(corpus, row.path)
        return Source(path, _inside(corpus, row.audio_path) if row.audio_path else None, sha256_of_file(path))
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go round in a circle
        raise ClipError(
            "manifest", f"{row.path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error


def _inside(corpus: Path, path: str) -> Path:
    """The file a manifest names, in the corpus folder also once links are followed."""
    real = (corpus / path).resolve()
    if not real.is_relative_to(corpus.resolve()):
        raise ClipError("manifest", f"{path} is a link that leaves the corpus folder")
    if not real.is_file():
        raise ClipError("manifest", f"{path} is not there")
    return real
