import shutil

import h5py
import numpy as np
import pytest
import torch

from lipdata.corpus.manifest import ManifestRow, read_manifest
from lipdata.errors import LipdataError
from lipdata.shards.reader import open_shards
from lipmodel.data.sampler import BatchIndex, BatchSampler, draw_epoch, fixed_sample
from lipmodel.data.splits import clip_ids_of, require_batch, require_windows
from lipmodel.data.windows import WindowDataset

TRAIN_WINDOWS = 4 + 2 + 0 + 1 + 3
PARTS = ("video", "mel", "identity", "mismatched", "flow")


@pytest.fixture
def train(shards_folder, lengths) -> WindowDataset:
    ids = set(lengths) - {"s2/val"}
    return WindowDataset(open_shards(shards_folder), clip_ids=ids, frames=16, stride=8, parts=PARTS)


def batches(windows, *, batch=3, first=0, end=10):
    return [windows[pick] for pick in BatchSampler(len(windows), batch=batch, seed=7, first=first, end=end)]


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
        "mismatched": ((3, 16, 64, 64, 3), torch.uint8),
        "flow": ((3, 15, 64, 64, 2), torch.float16),
    }


def test_a_batch_is_what_the_shards_hold(train, shards_folder):
    one, two = open_shards(shards_folder)
    # The only window of s2/a is number 6, the last one of s2/b, which follows it, number 9.
    firsts, portraits = [(one, 0), (two, 16 + 16), (two, 0)], [(one, 0), (two, 16 + 16), (two, 15)]
    expected = {
        "video": [shard.array("frames")[first : first + 16] for shard, first in firsts],
        "mel": [shard.array("mel")[first : first + 16].reshape(64, 128) for shard, first in firsts],
        "identity": [shard.array("frames")[frame] for shard, frame in portraits],
        "mismatched": [shard.array("frames")[first : first + 16] for shard, first in np.roll(firsts, 1, axis=0)],
        "flow": [shard.array("flow")[first : first + 15] for shard, first in firsts],
    }
    pick = BatchIndex(np.array([0, 9, 6]), np.array([0.0, 0.5, 0.99]), np.array([6, 0, 9]))
    batch = train[pick]
    assert all(np.array_equal(batch[name].numpy(), np.stack(arrays)) for name, arrays in expected.items())


@pytest.mark.parametrize("parts", [("video", "flow"), ("video",), ("mismatched", "identity")])
def test_only_what_is_asked_for_comes(shards_folder, parts):
    windows = WindowDataset(open_shards(shards_folder), clip_ids=["s1/a"], frames=16, stride=8, parts=parts)
    assert tuple(windows[BatchIndex(np.array([0]), np.array([0.0]), np.array([1]))]) == parts


def test_every_window_comes_exactly_once_an_epoch(train, lengths):
    seen = [name for batch in batches(train, batch=5, end=4) for name in names(batch)]
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
    first, again = draw_epoch(50, seed=0, epoch=0), draw_epoch(50, seed=0, epoch=0)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    for other in (draw_epoch(50, seed=0, epoch=1), draw_epoch(50, seed=1, epoch=0)):
        assert not any(np.array_equal(one, new) for one, new in zip(first, other, strict=True))


def test_every_other_window_is_as_likely_the_mismatched_one():
    drawn = np.stack([draw_epoch(5, seed=0, epoch=epoch)[2] for epoch in range(4000)])  # epoch, window
    counts = np.array([np.bincount(of_window, minlength=5) for of_window in drawn.T])
    assert (counts.diagonal() == 0).all()
    # 1000 expected of each other window; 27 is the standard deviation.
    assert (abs(counts[~np.eye(5, dtype=bool)] - 1000) < 5 * 27).all()


def test_the_mismatched_window_goes_with_window_and_epoch_not_with_the_batch(train):
    of_batch = [list(BatchSampler(len(train), batch=batch, seed=7, first=0, end=10 // batch)) for batch in (2, 5)]
    pairs = [
        {(w, m) for pick in picks for w, m in zip(pick.windows, pick.mismatched, strict=True)} for picks in of_batch
    ]
    assert pairs[0] == pairs[1] and len(pairs[0]) == 10


@pytest.mark.parametrize("world", [1, 2, 3])
def test_the_shares_of_all_processes_are_the_batch(train, world):
    pick = next(iter(BatchSampler(len(train), batch=6, seed=7, first=0, end=1)))
    shares = [pick.share(rank, world) for rank in range(world)]
    for name in ("windows", "identity", "mismatched"):
        rows = np.stack([getattr(share, name) for share in shares], axis=1)
        assert rows.shape == (6 // world, world) and np.array_equal(rows.ravel(), getattr(pick, name))


def test_a_sample_is_always_the_same_and_never_has_a_window_twice(train):
    assert fixed_sample(len(train), 4).windows.tolist() == fixed_sample(len(train), 4).windows.tolist()
    assert len(set(fixed_sample(len(train), 4).windows.tolist())) == 4
    assert fixed_sample(len(train), 99).windows.tolist() == list(range(TRAIN_WINDOWS))


def test_short_clips_are_counted(train):
    assert (train.clips, train.short_clips) == (5, 1)


def test_fewer_windows_than_a_step_takes_are_refused():
    require_batch(10, batch=5, devices=2)
    with pytest.raises(LipdataError, match=r"10 windows, a step takes 6 on each of 2 devices; .* take --batch 5"):
        require_batch(10, batch=6, devices=2)


def test_one_window_alone_is_refused():
    with pytest.raises(LipdataError, match=r"1 window, and each goes with another .*; add clips"):
        require_batch(1, batch=1, devices=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_mel_that_is_not_finite_is_told_with_shard_and_clip(shards_folder, lengths, tmp_path, value):
    shutil.copytree(shards_folder, tmp_path, dirs_exist_ok=True)
    with h5py.File(tmp_path / "grid-00001.h5", "r+") as file:
        file["mel"][16 + 20, 3, 127] = value  # s2/b, frame 20
    windows = WindowDataset(open_shards(tmp_path), clip_ids=lengths, frames=16, stride=8, parts=("video", "mel"))
    pick = fixed_sample(len(windows), 99)
    told = r"grid-00001\.h5: mel of s2/b holds NaN or infinity in frames 8 to 23; ingest that clip again"
    with pytest.raises(LipdataError, match=told):
        windows[pick]
    assert WindowDataset(open_shards(tmp_path), clip_ids=lengths, frames=16, stride=8, parts=("video",))[pick]


def test_a_split_without_clips_names_those_there_are(shards_folder):
    rows = read_manifest(shards_folder / "manifest.csv")
    windows = WindowDataset(
        open_shards(shards_folder), clip_ids=clip_ids_of(rows, "test"), frames=16, stride=8, parts=PARTS
    )
    with pytest.raises(LipdataError, match=r"no clip of split 'test'; it has: train 5, val 1"):
        require_windows(windows, rows, "test")


def test_a_manifest_of_other_clips_is_told(shards_folder):
    rows = [ManifestRow("s9/x", "s9", "train", "s9/x.mpg")]
    windows = WindowDataset(
        open_shards(shards_folder), clip_ids=clip_ids_of(rows, "train"), frames=16, stride=8, parts=PARTS
    )
    with pytest.raises(LipdataError, match=r"hold 0 of the 1 clips of split 'train'"):
        require_windows(windows, rows, "train")
