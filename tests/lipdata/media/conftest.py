from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lipdata.media import ffmpeg_binary


@pytest.fixture
def use_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Call it with a program: LIPDATA_FFMPEG names that for the length of the test."""

    def use(path: Path) -> None:
        monkeypatch.setenv("LIPDATA_FFMPEG", str(path))
        ffmpeg_binary.cache_clear()

    yield use
    monkeypatch.undo()
    ffmpeg_binary.cache_clear()
