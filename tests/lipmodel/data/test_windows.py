"""A batch is what the shards hold."""

import shutil

import h5py
import numpy as np
import pytest
import torch

from lipdata.errors import LipdataError
from lipdata.shards.reader import open_shards
from lipmodel.data.sampler import BatchIndex, fixed_sample
from lipmodel.data.windows import WindowDataset, shifted_places


def test_a_batch_has_the_stated_shapes_and_types(train):
    batch = train[fixed_sample(len(train), 3)]
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
    index = BatchIndex(np.array([0, 9, 6]), np.array([0.0, 0.5, 0.99]), np.array([6, 0, 9]))
    batch = train[index]
    assert all(np.array_equal(batch[name].numpy(), np.stack(arrays)) for name, arrays in expected.items())


@pytest.mark.parametrize("parts", [("video", "flow"), ("video",), ("mismatched", "identity")])
def test_only_what_is_asked_for_comes(shards_folder, parts):
    windows = WindowDataset(open_shards(shards_folder), clip_ids=["s1/a"], parts=parts)
    assert tuple(windows[BatchIndex(np.array([0]), np.array([0.0]), np.array([1]))]) == parts


def test_short_clips_are_counted(train):
    assert (train.clips, train.short_clips) == (5, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_mel_that_is_not_finite_is_reported_with_shard_and_clip(shards_folder, lengths, tmp_path, value):
    shutil.copytree(shards_folder, tmp_path, dirs_exist_ok=True)
    with h5py.File(tmp_path / "grid-00001.h5", "r+") as file:
        file["mel"][16 + 20, 3, 127] = value  # s2/b, frame 20
    windows = WindowDataset(open_shards(tmp_path), clip_ids=lengths, parts=("video", "mel"))
    index = fixed_sample(len(windows), 99)
    reason = r"grid-00001\.h5: mel of s2/b holds NaN or infinity in frames 8 to 23; ingest that clip again"
    with pytest.raises(LipdataError, match=reason):
        windows[index]
    assert WindowDataset(open_shards(tmp_path), clip_ids=lengths, parts=("video",))[index]


def test_shifted_mel_is_that_of_the_same_clip_2_to_15_frames_away(shards_folder, lengths):
    windows = WindowDataset(open_shards(shards_folder), clip_ids=["s1/a"], parts=("mel", "shifted_mel"))
    mel = open_shards(shards_folder)[0].array("mel")[: lengths["s1/a"]]
    batch = windows[fixed_sample(len(windows), 99)]
    assert batch["shifted_mel"].shape == (4, 7, 64, 128)
    for first, own, others in zip((0, 8, 16, 24), batch["mel"], batch["shifted_mel"], strict=True):
        assert np.array_equal(own.numpy(), mel[first : first + 16].reshape(64, 128))
        starts = [
            next(at for at in range(25) if np.array_equal(other, mel[at : at + 16].reshape(64, 128)))
            for other in others.numpy()
        ]
        assert len(set(starts)) == 7 and all(2 <= abs(start - first) <= 15 for start in starts)


@pytest.mark.parametrize(
    ("first", "frames", "shifts"),
    [
        (30, 75, [-13, -9, -5, 2, 6, 10, 14]),
        (0, 75, [3, 5, 7, 9, 11, 13, 15]),
        (59, 75, [-14, -12, -10, -8, -6, -4, -2]),
        (2, 19, [-2] * 7),
        (0, 17, [0] * 7),
    ],
)
def test_shifts_are_spread_over_what_the_clip_has(first, frames, shifts):
    places = shifted_places(np.array([[3, 100 + first, 100, frames]]), 16)
    assert (places[:, 1] - 100 - first).tolist() == shifts
    assert (places[:, [0, 2, 3]] == [3, 100, frames]).all()
