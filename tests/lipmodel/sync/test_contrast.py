"""The loss by which the sync network learns."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from lipmodel.sync.contrast import APART, clip_contrast, info_nce, shift_contrast, windows_of

SCALE = torch.tensor(20.0)


def drawn(batch: int = 3, frames: int = 30, dims: int = 16, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(batch, frames, dims, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_the_product_of_two_windows_is_their_mean_cosine():
    motion, sound = drawn(), drawn(seed=1)
    found = windows_of(motion, 5) @ windows_of(sound, 5).transpose(1, 2)
    assert found.shape == (3, 26, 26)
    wanted = np.mean([motion[1, 7 + i] @ sound[1, 20 + i] for i in range(5)])
    assert found[1, 7, 20].item() == pytest.approx(wanted, abs=1e-6)


def test_shift_contrast_is_cross_entropy_with_a_soft_target():
    """By hand: softmax over the row, .7 at the right place, .15 on each side, ends scaled to a sum of 1; both ways."""
    motion, sound = drawn(1, 6), drawn(1, 6, seed=1)
    logits = (20 * motion[0] @ sound[0].T).double().numpy()
    losses = []
    for rows in (logits, logits.T):
        logs = rows - np.log(np.exp(rows).sum(1, keepdims=True))
        for t in range(6):
            target = {t: 0.7} | {u: 0.15 for u in (t - 1, t + 1) if 0 <= u < 6}
            losses.append(-sum(share * logs[t, u] for u, share in target.items()) / sum(target.values()))
    wanted = np.mean(losses[:6]) + np.mean(losses[6:])
    assert shift_contrast(motion, sound, SCALE, 1).item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("length", [5, 13])
def test_the_right_sound_costs_least(length):
    motion = drawn()
    own = info_nce(motion, motion, SCALE, length)
    for other in (motion.roll(3, 1), motion.flip(1), motion.roll(1, 0), drawn(seed=1)):
        assert own < info_nce(motion, other, SCALE, length)


def test_learning_undoes_a_shift():
    """Vectors that are free follow the gradient until each motion is nearest to its own sound."""
    sound = drawn(1, 20)
    motion = sound.roll(2, 1).clone().requires_grad_()
    optimizer = torch.optim.Adam([motion], 0.05)

    def right() -> float:
        nearest = (windows_of(normalize(motion, dim=-1), 3) @ windows_of(sound, 3).transpose(1, 2)).argmax(-1)
        return (nearest == torch.arange(18)).float().mean().item()

    before = right()
    for _ in range(60):
        optimizer.zero_grad()
        shift_contrast(normalize(motion, dim=-1), sound, SCALE, 3).backward()
        optimizer.step()
    assert before < 0.2 and right() == 1


def test_a_constant_answer_costs_the_logarithm_of_the_choices():
    constant = normalize(torch.ones(3, 30, 16), dim=-1)
    places, windows = 26, len(range(0, 26, APART))
    assert shift_contrast(constant, constant, SCALE, 5).item() == pytest.approx(2 * np.log(places), rel=1e-5)
    # Of its own clip each window has one choice, of the two others all of theirs.
    choices = 1 + 2 * windows
    assert clip_contrast(constant, constant, SCALE, 5).item() == pytest.approx(2 * np.log(choices), rel=1e-5)


def test_clips_are_not_held_against_themselves():
    """However alike the windows of one clip are: only another clip's sound can cost."""
    motion = drawn(2, 30)
    alike = motion[:, :1].expand(-1, 30, -1).contiguous()  # a clip whose every window is the same
    apart = -(alike[0, 0] @ alike[1, 0])
    assert clip_contrast(alike, alike, torch.tensor(200.0), 5) < 1e-3 or apart < -0.9
    same = alike[:1].expand(2, -1, -1)  # but not where both clips are the same
    assert clip_contrast(same, same, torch.tensor(200.0), 5).item() > 1


def test_one_clip_alone_has_no_others():
    motion, sound = drawn(1), drawn(1, seed=1)
    assert info_nce(motion, sound, SCALE, 5) == shift_contrast(motion, sound, SCALE, 5)
    assert clip_contrast(motion, sound, SCALE, 5).item() == pytest.approx(0, abs=1e-6)
