"""What confidence is held against."""

import numpy as np
import pytest

from lipmodel.sync.curve import curve_of
from lipmodel.sync.foreign import SAMPLED_CLIPS, ForeignPairs, foreign_pairs, sampled_clips, scaled_margin
from lipmodel.sync.network import load_sync


def vectors(n: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(n, 8))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_every_motion_meets_every_other_sound():
    motions = {name: vectors(length, seed) for seed, (name, length) in enumerate({"a": 60, "b": 40, "c": 80}.items())}
    sounds = {name: vectors(len(motion), 9 + seed) for seed, (name, motion) in enumerate(motions.items())}
    margins = []
    for one, motion in motions.items():
        for other, sound in sounds.items():
            if one != other:
                frames = min(len(motion), len(sound))  # at the shorter's length
                curve = curve_of(motion[:frames], sound[:frames])
                margins.append(curve.margin * frames**0.5)
    found = foreign_pairs(motions, sounds, "three clips")
    assert found.pairs == 6 and found.line() == "confidence_sd: from 6 foreign pairs of three clips"
    assert (found.mean, found.deviation) == pytest.approx((np.mean(margins), np.std(margins)))


def test_deviations_are_of_the_pairs_own_law():
    pairs, curve = ForeignPairs(1.0, 0.5, 6, ""), curve_of(vectors(60, 0), vectors(60, 1))
    assert pairs.deviations(curve) == pytest.approx((curve.margin * 60**0.5 - 1) / 0.5)


def test_foreign_pairs_of_real_clips_have_deviations_of_mean_0_and_spread_1(real_clips):
    network = load_sync()
    embedded = {clip.clip_id: network.embed(clip) for clip in real_clips}
    motions = {name: each.motion for name, each in embedded.items()}
    sounds = {name: each.sound for name, each in embedded.items()}
    found = foreign_pairs(motions, sounds, "")
    assert found.pairs == 56
    deviations = [
        found.deviations(curve_of(motions[one], sounds[other])) for one in motions for other in sounds if one != other
    ]
    assert (np.mean(deviations), np.std(deviations)) == pytest.approx((0, 1), abs=1e-6)
    own = [found.deviations(curve_of(motions[name], sounds[name])) for name in motions]
    assert np.mean(own) > 3
    # The shorter the pairs, the greater the margin of chance; times the root of the length it stays what it is.
    short = [scaled_margin(curve_of(motions[one][:20], sounds[other][:20])) for one in motions for other in sounds]
    assert np.mean(short) == pytest.approx(found.mean, rel=0.6)


def test_clips_are_drawn_by_seed_whatever_their_order():
    names = [f"s1/{number:03}" for number in range(100)]
    drawn = sampled_clips(names)
    assert len(set(drawn)) == SAMPLED_CLIPS and drawn == sorted(drawn) == sampled_clips(names[::-1])
    assert sampled_clips(names, seed=1) != drawn
    assert sampled_clips(["b", "a"]) == ["a", "b"]
