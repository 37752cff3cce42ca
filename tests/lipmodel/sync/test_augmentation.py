"""What a piece could have been too."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lipdata.shards import ShardFolder
from lipmodel.networks.sync_inputs import coarse_flow, normalised_lips
from lipmodel.sync import augmentation
from lipmodel.sync.augmentation import MIRRORED_LIPS, augment_flow, augment_lips, augment_sound, change_pace

FRAMES = 72


@pytest.fixture(scope="module")
def batch(grid_shards) -> dict[str, Tensor]:
    """Four times one real clip's first 72 frames."""
    clip = ShardFolder(grid_shards)["s22/lbbc2a"]
    parts = {name: torch.from_numpy(clip.array(name)[None, :FRAMES].copy()) for name in ("mel", "landmarks", "box")}
    once = {
        "flow": coarse_flow(torch.from_numpy(clip.flow[None, : FRAMES - 1].copy())),
        "lips": normalised_lips(parts["landmarks"], parts["box"]),
        "mel": parts["mel"],
    }
    return {name: part.repeat(4, *[1] * (part.dim() - 1)) for name, part in once.items()}


AUGMENTATIONS: list[tuple[str, Callable[[Tensor], Tensor], tuple[int, ...]]] = [
    ("flow", augment_flow, (4, 71, 2, 16, 16)),
    ("lips", augment_lips, (4, 72, 20, 2)),
    ("mel", augment_sound, (4, 72, 4, 96)),
]


@pytest.mark.parametrize(("name", "augment", "shape"), AUGMENTATIONS)
def test_it_follows_the_seed_and_differs_by_row(batch, name, augment, shape):
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(augment(batch[name]))
    assert found[0].shape == shape and found[0].isfinite().all()
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert not any(torch.equal(found[0][0], other) for other in found[0][1:])


def test_paces_follow_the_seed_and_differ_by_row(batch):
    torch.manual_seed(0)
    first = change_pace(*batch.values(), 60)
    torch.manual_seed(0)
    again = change_pace(*batch.values(), 60)
    for one, other, shape in zip(first, again, ((4, 59, 2, 16, 16), (4, 60, 20, 2), (4, 60, 4, 128)), strict=True):
        assert one.shape == shape and torch.equal(one, other)
        assert not any(torch.equal(one[0], row) for row in one[1:])


def test_a_piece_of_its_own_pace_is_a_piece_of_the_clip(batch, monkeypatch):
    monkeypatch.setattr(augmentation, "PACED", 0.0)
    torch.manual_seed(0)
    flow, lips, mel = change_pace(*batch.values(), 60)
    starts = set()
    for row in range(4):
        start = next(at for at in range(13) if torch.equal(mel[row], batch["mel"][row, at : at + 60]))
        assert torch.equal(flow[row], batch["flow"][row, start : start + 59])
        own = batch["lips"][row, start : start + 60]
        torch.testing.assert_close(lips[row], own - own.mean(0))
        starts.add(start)
    assert len(starts) > 1


def test_a_slower_pace_keeps_picture_and_sound_together(monkeypatch):
    """A clip whose every part is its own time: what is at a frame is the same time in all three."""
    monkeypatch.setattr(augmentation, "PACED", 1.0)
    time = torch.arange(FRAMES, dtype=torch.float32)
    lips = time.reshape(1, -1, 1, 1).expand(8, -1, 20, 2)
    flow = (time[:-1] + 0.5).reshape(1, -1, 1, 1, 1).expand(8, -1, 2, 16, 16)  # between two frames
    mel = (time[:, None] + torch.arange(4) / 4).reshape(1, FRAMES, 4, 1).expand(8, -1, -1, 128)
    torch.manual_seed(0)
    flow, lips, mel = change_pace(flow, lips, mel, 60)
    pace = lips[:, 1, 0, 0] - lips[:, 0, 0, 0]
    assert pace.min() < 0.95 and pace.max() > 1.05
    heard = mel[:, :, 0, 0]  # the nearest column, so within an eighth of a frame
    shown = lips[:, :, 0, 0] - lips[:, :1, 0, 0] + heard[:, :1]  # lips lose their mean, not their course
    assert (heard - shown).abs().max() <= 0.25 + 1e-4
    between = flow[:, :, 0, 0, 0] / pace[:, None]  # flow of a slower mouth is smaller
    assert (between - (heard[:, :-1] + heard[:, 1:]) / 2).abs().max() <= 0.25 + 1e-4


def test_mirrored_twice_is_the_same(batch, monkeypatch):
    assert [MIRRORED_LIPS[place] for place in MIRRORED_LIPS] == list(range(20))
    for name in ("FLOW_GAIN", "LIP_AFFINE", "LIP_SIZE", "LIP_GAIN", "LIP_DRIFT", "LIP_MEAN"):
        monkeypatch.setattr(augmentation, name, 0.0)
    monkeypatch.setattr(augmentation, "FLOW_NOISE_PX", (0.0,))
    monkeypatch.setattr(augmentation, "LIP_JITTER", (0.0,))
    monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor([0, 0]))  # flow is not moved by a cell
    monkeypatch.setattr(augmentation, "_one_of", lambda *_: 0.0)
    monkeypatch.setattr(augmentation, "_some", lambda *_: torch.tensor(True))
    flow, lips = augment_flow(batch["flow"]), augment_lips(batch["lips"])
    torch.testing.assert_close(flow[..., 0, :, :], -batch["flow"][..., 0, :, :].flip(-1))
    torch.testing.assert_close(lips[:, :, 0], batch["lips"][:, :, 6] * torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(augment_flow(flow), batch["flow"])
    torch.testing.assert_close(augment_lips(lips), batch["lips"])


def test_noise_lies_below_the_voice(batch, monkeypatch):
    """Without equaliser, gain and moved bands the loudest columns stay within a dB."""
    for name in ("EQUALISER_DB", "GAIN_DB", "MOVED"):
        monkeypatch.setattr(augmentation, name, 0.0)
    monkeypatch.setattr(augmentation, "NOISY", 1.0)
    monkeypatch.setattr(augmentation, "MIXED", 0.0)
    torch.manual_seed(0)
    before, after = batch["mel"][..., :96].amax(-1).flatten(1), augment_sound(batch["mel"]).amax(-1).flatten(1)
    loud = before > before.quantile(0.95, dim=1, keepdim=True)
    assert ((after - before)[loud] > -0.01).all() and (after - before)[loud].max() < 3
    quiet = before < before.quantile(0.05, dim=1, keepdim=True)
    assert (after - before)[quiet].mean() > (after - before)[loud].mean()
