"""WindowDataset in a loop of one's own: DataLoader, pickle, epochs, indices, and what h5py alone reads."""

import pickle

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lipdata.corpus import read_manifest
from lipdata.errors import LipdataError
from lipmodel.data import WindowDataset


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert tensor.dtype == other[name].dtype and torch.equal(tensor, other[name]), name


OWN = WindowDataset.collate


# Started interpreters import torch, which takes seconds: one of their two cases is slow.
@pytest.mark.parametrize(
    ("workers", "start", "collate"),
    [
        (0, None, None),
        (0, None, OWN),
        (2, "fork", None),
        (2, "fork", OWN),
        (2, "spawn", OWN),
        pytest.param(2, "spawn", None, marks=pytest.mark.slow),
    ],
)
def test_a_data_loader_gives_every_window_in_its_order(train, workers, start, collate):
    loader = DataLoader(train, 4, num_workers=workers, multiprocessing_context=start, collate_fn=collate)
    batches = list(loader)
    assert [len(batch["video"]) for batch in batches] == [4, 4, 2]
    expected = [train[index] for index in range(len(train))]
    for name in train.parts:
        assert torch.equal(torch.cat([batch[name] for batch in batches]), torch.stack([w[name] for w in expected]))


def test_collate_hands_on_the_tensors_that_were_read(train):
    windows = train.__getitems__([3, 0, 9])
    batch = WindowDataset.collate(windows)
    assert all(batch[name].data_ptr() == windows[0][name].data_ptr() for name in train.parts)


def test_a_batch_is_its_windows_one_by_one(train):
    for window, index in zip(train.__getitems__([7, 2, 2, 0]), (7, 2, 2, 0), strict=True):
        assert_same(window, train[index])


def test_pickled_after_reading_it_holds_no_frames_and_reads_the_same(train):
    expected = train[4]
    content = pickle.dumps(train)
    assert len(content) < train[0]["video"].nbytes  # one window of ten is more
    assert_same(pickle.loads(content)[4], expected)


def test_set_epoch_changes_identity_and_mismatched_alone(train):
    first = train.__getitems__(range(len(train))).tensors
    train.set_epoch(1)
    second = train.__getitems__(range(len(train))).tensors
    changed = {name for name in train.parts if not torch.equal(first[name], second[name])}
    assert changed == {"identity", "mismatched"}
    train.set_epoch(0)
    again = train.__getitems__(range(len(train))).tensors
    assert_same(again, first)


def test_another_seed_draws_other_identity_frames(shards_folder, train):
    other = WindowDataset(shards_folder, parts=("identity",), seed=1).__getitems__(range(len(train))).tensors
    assert not torch.equal(other["identity"], train.__getitems__(range(len(train))).tensors["identity"])


def test_indices_are_those_of_a_list(train):
    assert_same(train[-1], train[len(train) - 1])
    assert_same(train[-len(train)], train[0])
    for index in (len(train), -len(train) - 1, 10**6):
        with pytest.raises(IndexError):
            train[index]
    assert len(list(train)) == len(train)  # a loop over indices ends at the first that is out of range


def refused(match: str, *arguments: object, **options: object) -> None:
    with pytest.raises(LipdataError, match=match) as refusal:
        WindowDataset(*arguments, **options)
    assert "\n" not in str(refusal.value)


def test_mistakes_are_reported_in_one_line(shards_folder, tmp_path):
    refused("no clip of split 'test'; it has: train 5, val 1", shards_folder, "test")
    refused("hold 5 of the 5 clips of split 'train', 5 too short for a window", shards_folder, frames=41)
    stored = "frames, mel, flow, landmarks, box, tracked"
    refused(f"has no dataset 'loudness'; stored: {stored}", shards_folder, parts=("video", "loudness"))
    refused("face has one row a clip", shards_folder, parts=("video", "face"))
    refused("holds no shards", tmp_path)
    refused("cannot read manifest .*none.csv", shards_folder, manifest=tmp_path / "none.csv")


def test_any_dataset_of_frames_is_a_part(shards_folder):
    window = WindowDataset(shards_folder, parts=("tracked", "landmarks"))[0]
    assert (window["tracked"].dtype, window["tracked"].shape) == (torch.bool, (16,)) and window["tracked"].all()
    assert window["landmarks"].shape == (16, 20, 2)


def test_real_windows_are_what_h5py_alone_reads(grid_shards):
    dataset = WindowDataset(grid_shards, "test")
    rows = [row.clip_id for row in read_manifest(grid_shards / "manifest.csv") if row.split == "test"]
    (path,) = grid_shards.glob("*.h5")
    with h5py.File(path) as file:
        places = {clip_id.decode(): (start, length) for clip_id, _, start, length, _ in file["clips"][:].tolist()}
        windows = [
            (clip_id, first)
            for clip_id, (start, length) in places.items()
            for first in range(start, start + length - 15, 8)
            if clip_id in rows
        ]
        assert len(windows) == len(dataset) == 3 * 8
        for index in (0, 7, 8, 23):
            clip_id, first = windows[index]
            window, (start, length) = dataset[index], places[clip_id]
            assert np.array_equal(window["video"], file["frames"][first : first + 16])
            assert np.array_equal(window["mel"], file["mel"][first : first + 16].reshape(64, 128))
            own = file["frames"][start : start + length]
            assert (own == window["identity"].numpy()).all((1, 2, 3)).any()
            others = (file["frames"][place : place + 16] for _, place in windows if place != first)
            assert any(np.array_equal(window["mismatched"], other) for other in others)
