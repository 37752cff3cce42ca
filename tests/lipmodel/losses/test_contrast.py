"""InfoNCE by hand values, what it leaves out, its gradient, and the curves beside it."""

import math

import pytest
import torch

from lipmodel.losses.contrast import all_sounds, curves, info_nce, same_sound, unit_vectors

NOTHING_SAME = torch.zeros(2, 3, dtype=torch.bool)


def test_a_value_computed_by_hand():
    """Logits 2, 0, 0 and 0, 2, 2: the third sound is held against both motions, the motions against two sounds."""
    motion = torch.eye(2)
    sound = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    first, second = math.log(1 + 2 * math.exp(-2)), math.log(2 + math.exp(-2))
    of_sounds = math.log(1 + math.exp(-2))
    loss = info_nce(motion, sound, torch.tensor(2.0), NOTHING_SAME)
    assert loss.item() == pytest.approx(((first + second) / 2 + of_sounds) / 2)


def test_a_constant_answer_does_not_lower_it():
    """What takes l_corr to 0."""
    same = torch.ones(2, 1)
    loss = info_nce(same, torch.ones(3, 1), torch.tensor(30.0), NOTHING_SAME)
    assert loss.item() == pytest.approx((math.log(3) + math.log(2)) / 2)


def test_what_sounds_the_same_is_not_held_against_a_motion():
    motion = torch.eye(2)
    sound = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    same = torch.tensor([[False, False, True], [False, False, False]])
    loss = info_nce(motion, sound, torch.tensor(50.0), same)
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert info_nce(motion, sound, torch.tensor(50.0), NOTHING_SAME).item() > 0.1


def test_the_sound_of_silence_and_of_the_same_window_is_the_same():
    mel = torch.tensor([1.0, 2.0, 1.0]).view(3, 1, 1).expand(3, 4, 128)
    shifted = torch.tensor([[1.0, 3.0], [4.0, 2.0], [5.0, 5.0]]).view(3, 2, 1, 1).expand(3, 2, 4, 128)
    wanted = torch.zeros(3, 9, dtype=torch.bool)
    wanted[0, [2, 3]] = wanted[1, 6] = wanted[2, [0, 3]] = True
    assert torch.equal(same_sound(mel, shifted), wanted)


def test_own_sounds_come_before_those_shifted():
    own, shifted = torch.tensor([0, 1]), torch.tensor([[2, 3, 4], [5, 6, 7]])
    assert all_sounds(own, shifted).tolist() == list(range(8))


def test_vectors_have_length_1_and_take_time_and_channels_together():
    vectors = unit_vectors(torch.tensor([[[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]]))
    torch.testing.assert_close(vectors, torch.tensor([[0.6, 0, 0, 0.8], [0, 0, 0, 0]]))


def test_curves_computed_by_hand():
    real, fake = torch.eye(2), torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    sound = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    found = {name: value.item() for name, value in curves(fake, real, sound).items()}
    assert found == {"corr": 1 - 3 / 4, "corr_others": 1, "corr_shifted": 1}


def test_its_gradient():
    motion, sound = (torch.randn(n, 4, dtype=torch.float64, requires_grad=True) for n in (2, 3))
    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *given: info_nce(*given, NOTHING_SAME), (motion, sound, scale))


def test_half_precision():
    motion, sound = torch.randn(2, 16, 15), torch.randn(3, 16, 15)
    scale = torch.tensor(10.0)
    half = info_nce(unit_vectors(motion.bfloat16()), unit_vectors(sound.bfloat16()), scale, NOTHING_SAME)
    assert half.dtype == torch.float32
    torch.testing.assert_close(
        half, info_nce(unit_vectors(motion), unit_vectors(sound), scale, NOTHING_SAME), atol=0.05, rtol=0
    )
