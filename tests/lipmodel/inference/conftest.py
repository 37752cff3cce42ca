"""Pictures and speech for tests of inference."""

from pathlib import Path

import pytest

from tests.lipmodel.media_files import write_crop, write_photo, write_speech


@pytest.fixture
def crop(tmp_path: Path) -> Path:
    """A drawn mouth, 64 x 64 pixels."""
    return write_crop(tmp_path / "crop.png")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of 300 x 300 pixels with a face."""
    return write_photo(tmp_path / "photo.png")


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Sound of 16 frames."""
    return write_speech(tmp_path / "speech.wav", 0.64)
