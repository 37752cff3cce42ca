import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lipdata import manifest
from lipdata.errors import LipdataError
from lipdata.shards import open_folder
from lipmodel.stream import Batches, Pick, Windows, clip_ids, draw, require_windows, sample

TRAIN_WINDOWS = 4 + 2 + 0 + 1 + 3


@pytest.fixture
def train(shards_folder, lengths) -> Windows:
    ids = set(lengths) - {"s2/val"}
    return Windows(open_folder(shards_folder), ids, frames=16, stride=8, flow=True)


def batches(windows, workers=0, context=None, *, batch=3, first=0, end=10):
    picks = Batches(len(windows), batch=batch, seed=7, first=first, end=end)
    loader = DataLoader(windows, sampler=picks, batch_size=None, num_workers=workers, multiprocessing_context=context)
    return list(loader)


def names(batch):
    """A window's name: its clip (told by the flow) and its first frame."""
    return list(zip(batch["flow"][:, 0, 0, 0, 0].int().tolist(), batch["video"][:, 0, 0, 0, 0].tolist(), strict=True))


def test_a_batch_has_the_stated_shapes_and_types(train):
    (batch,) = batches(train, end=1)
    shapes = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in batch.items()}
    assert shapes == {
        "video": ((3, 16, 64, 64, 3), torch.uint8),
        "mel": ((3, 64, 128), torch.float32),
        "identity": ((3, 64, 64, 3), torch.uint8),
        "flow": ((3, 16, 64, 64, 2), torch.float16),
    }


def test_flow_comes_only_when_asked_for(shards_folder):
    windows = Windows(open_folder(shards_folder), ["s1/a"], frames=16, stride=8)
    assert set(windows[Pick(np.array([0]), np.array([0.0]))]) == {"video", "mel", "identity"}


@pytest.mark.parametrize(("workers", "context"), [(0, None), (1, "fork"), (3, "fork"), (3, "spawn")])
def test_workers_change_nothing(train, workers, context):
    plain, others = batches(train), batches(train, workers, context)
    assert len(plain) == len(others) == 10
    for one, other in zip(plain, others, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("workers", "context"), [(0, None), (1, "fork"), (3, "spawn")])
def test_every_window_comes_exactly_once_an_epoch(train, lengths, workers, context):
    seen = [name for batch in batches(train, workers, context, batch=5, end=4) for name in names(batch)]
    expected = sorted(
        (number, first)
        for number, (clip_id, length) in enumerate(lengths.items())
        for first in range(0, length - 15, 8)
        if clip_id != "s2/val"
    )
    assert len(expected) == TRAIN_WINDOWS == len(train)
    assert sorted(seen[:TRAIN_WINDOWS]) == sorted(seen[TRAIN_WINDOWS:]) == expected
    assert seen[:TRAIN_WINDOWS] != seen[TRAIN_WINDOWS:]


def test_epochs_join_without_a_seam(train):
    seen = [name for batch in batches(train, batch=3, end=10) for name in names(batch)]
    epochs = [sorted(seen[first : first + TRAIN_WINDOWS]) for first in (0, 10, 20)]
    assert epochs[0] == epochs[1] == epochs[2] and len(set(epochs[0])) == TRAIN_WINDOWS


def test_a_late_start_gives_the_batches_of_a_run_that_never_stopped(train):
    whole, rest = batches(train, end=10), batches(train, first=6, end=10)
    for one, other in zip(whole[6:], rest, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_identity_frame_is_any_frame_of_the_window_s_own_clip(train, lengths):
    seen = set()
    for batch in batches(train, batch=10, end=40):
        frames = [list(lengths.values())[clip] for clip, _ in names(batch)]
        places = batch["identity"][:, 0, 0, 0].tolist()
        assert all(place < length for place, length in zip(places, frames, strict=True))
        assert torch.equal(batch["identity"][:, 0, 1], batch["video"][:, 0, 0, 1])  # the clip's own skin
        seen |= {place for place, length in zip(places, frames, strict=True) if length == 40}
    assert len(seen) > 30


def test_another_epoch_or_seed_draws_anew():
    first, again = draw(50, seed=0, epoch=0), draw(50, seed=0, epoch=0)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    for other in (draw(50, seed=0, epoch=1), draw(50, seed=1, epoch=0)):
        assert not np.array_equal(first[0], other[0]) and not np.array_equal(first[1], other[1])


def test_a_sample_is_always_the_same_and_never_has_a_window_twice(train):
    assert sample(train, 4).windows.tolist() == sample(train, 4).windows.tolist()
    assert len(set(sample(train, 4).windows.tolist())) == 4
    assert sample(train, 99).windows.tolist() == list(range(TRAIN_WINDOWS))


def test_short_clips_are_counted(train):
    assert (train.clips, train.short_clips) == (5, 1)


def test_fewer_windows_than_a_batch_are_refused(train):
    with pytest.raises(LipdataError, match=r"10 windows, one batch takes 11; add clips, or take --batch 10"):
        Batches(len(train), batch=11, seed=0, first=0, end=1)


def test_a_split_without_clips_names_those_there_are(shards_folder):
    rows = manifest.read(shards_folder / "manifest.csv")
    windows = Windows(open_folder(shards_folder), clip_ids(rows, "test"), frames=16, stride=8)
    with pytest.raises(LipdataError, match=r"no clip of split 'test'; it has: train 5, val 1"):
        require_windows(windows, rows, "test")


def test_a_manifest_of_other_clips_is_told(shards_folder):
    rows = [manifest.Row("s9/x", "s9", "train", "s9/x.mpg")]
    windows = Windows(open_folder(shards_folder), clip_ids(rows, "train"), frames=16, stride=8)
    with pytest.raises(LipdataError, match=r"hold 0 of the 1 clips of split 'train'"):
        require_windows(windows, rows, "train")
