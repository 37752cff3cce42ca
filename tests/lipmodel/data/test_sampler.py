"""The order of the windows depends on seed and epoch alone."""

import numpy as np
import pytest
import torch

from lipmodel.data.sampler import BatchSampler, draw_epoch, fixed_sample

TRAIN_WINDOWS = 4 + 2 + 0 + 1 + 3


def batches(windows, *, batch=3, first=0, end=10):
    return [windows[index] for index in BatchSampler(len(windows), batch=batch, seed=7, first=first, end=end)]


def names(batch):
    """A window's name: its clip, which is the value of the flow, and its first frame."""
    return list(zip(batch["flow"][:, 0, 0, 0, 0].int().tolist(), batch["video"][:, 0, 0, 0, 0].tolist(), strict=True))


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


def test_speakers_are_drawn_more_evenly(train):
    """s1 has six windows, s2 four."""
    assert train.chances(0) is None
    for balance, share in ((0.5, 6**0.5 / (6**0.5 + 4**0.5)), (1, 0.5)):
        chances = train.chances(balance)
        assert chances.shape == (TRAIN_WINDOWS,) and chances.sum() == pytest.approx(1)
        assert chances[:6].sum() == pytest.approx(share) and np.ptp(chances[:6]) == np.ptp(chances[6:]) == 0
        # 20000 draws know a share of about a half to .0035.
        drawn = np.concatenate([draw_epoch(10, seed=0, epoch=n, chances=chances)[0] for n in range(2000)])
        assert np.mean(drawn < 6) == pytest.approx(share, abs=0.015)


def test_uneven_draws_follow_seed_and_step(train):
    def drawn(seed: int, first: int = 0) -> list[list[int]]:
        sampler = BatchSampler(10, batch=3, seed=seed, first=first, end=8, chances=train.chances(1))
        return [index.windows.tolist() for index in sampler]

    assert drawn(7) == drawn(7) != drawn(8)
    assert drawn(7)[5:] == drawn(7, first=5)


def test_without_chances_the_order_is_as_it_always_was(train):
    plain, asked = (
        list(BatchSampler(10, batch=3, seed=7, first=0, end=8, **options))
        for options in ({}, {"chances": train.chances(0)})
    )
    for one, other in zip(plain, asked, strict=True):
        assert all(
            np.array_equal(getattr(one, name), getattr(other, name)) for name in ("windows", "identity", "mismatched")
        )
    assert plain[0].windows.tolist() == np.random.default_rng((7, 0)).permutation(10)[:3].tolist()


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
        {(w, m) for index in indices for w, m in zip(index.windows, index.mismatched, strict=True)}
        for indices in of_batch
    ]
    assert pairs[0] == pairs[1] and len(pairs[0]) == 10


@pytest.mark.parametrize("world", [1, 2, 3])
def test_the_shares_of_all_processes_are_the_batch(train, world):
    index = next(iter(BatchSampler(len(train), batch=6, seed=7, first=0, end=1)))
    shares = [index.share(rank, world) for rank in range(world)]
    for name in ("windows", "identity", "mismatched"):
        rows = np.stack([getattr(share, name) for share in shares], axis=1)
        assert rows.shape == (6 // world, world) and np.array_equal(rows.ravel(), getattr(index, name))


def test_a_sample_is_always_the_same_and_never_has_a_window_twice(train):
    assert fixed_sample(len(train), 4).windows.tolist() == fixed_sample(len(train), 4).windows.tolist()
    assert len(set(fixed_sample(len(train), 4).windows.tolist())) == 4
    assert fixed_sample(len(train), 99).windows.tolist() == list(range(TRAIN_WINDOWS))
