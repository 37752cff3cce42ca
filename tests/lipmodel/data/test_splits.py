"""Splits that give too little to learn from."""

import pytest

from lipdata.corpus.manifest import ManifestRow, read_manifest
from lipdata.errors import LipdataError
from lipdata.shards.reader import open_shards
from lipmodel.data.splits import clip_ids_of, require_batch, require_windows
from lipmodel.data.windows import WindowDataset


def test_fewer_windows_than_a_step_takes_are_refused():
    require_batch(10, batch=5, devices=2)
    with pytest.raises(LipdataError, match=r"10 windows, a step takes 6 on each of 2 devices; .* take --batch 5"):
        require_batch(10, batch=6, devices=2)


def test_one_window_alone_is_refused():
    with pytest.raises(LipdataError, match=r"1 window, and each goes with another .*; add clips"):
        require_batch(1, batch=1, devices=1)


def test_a_split_without_clips_names_those_there_are(shards_folder):
    rows = read_manifest(shards_folder / "manifest.csv")
    windows = WindowDataset(open_shards(shards_folder), clip_ids=clip_ids_of(rows, "test"), parts=())
    with pytest.raises(LipdataError, match=r"no clip of split 'test'; it has: train 5, val 1"):
        require_windows(windows, rows, "test")


def test_a_manifest_of_other_clips_is_reported(shards_folder):
    rows = [ManifestRow("s9/x", "s9", "train", "s9/x.mpg")]
    windows = WindowDataset(open_shards(shards_folder), clip_ids=clip_ids_of(rows, "train"), parts=())
    with pytest.raises(LipdataError, match=r"hold 0 of the 1 clips of split 'train'"):
        require_windows(windows, rows, "train")
