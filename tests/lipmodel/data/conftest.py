"""The training windows of the small shards."""

from pathlib import Path

import pytest

from lipmodel.data.windows import WindowDataset

PARTS = ("video", "mel", "identity", "mismatched", "flow")


@pytest.fixture
def train(shards_folder: Path) -> WindowDataset:
    """The windows of split train: 4 of s1/a, 2 of s1/b, 1 of s2/a, 3 of s2/b."""
    return WindowDataset(shards_folder, parts=PARTS)
