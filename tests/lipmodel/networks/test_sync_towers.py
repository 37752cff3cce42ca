"""The towers of the sync network."""

import pytest
import torch

from lipdata.shards import ShardFolder
from lipmodel.networks.sync_inputs import coarse_flow, normalised_lips
from lipmodel.networks.sync_towers import REACH, SyncPair, sync_pairs

FRAMES, DISTURBED = 60, 30


@pytest.fixture(scope="module")
def pairs() -> dict[str, SyncPair]:
    torch.manual_seed(0)
    return {name: pair.eval() for name, pair in sync_pairs().items()}


@pytest.fixture(scope="module")
def inputs(grid_shards) -> dict[str, torch.Tensor]:
    """What the towers take, of the first 60 frames of a real clip."""
    clip = ShardFolder(grid_shards)["s23/priazn"]
    boxes, landmarks = (torch.from_numpy(array[None, :FRAMES].copy()) for array in (clip.box, clip.landmarks))
    return {
        "flow": coarse_flow(torch.from_numpy(clip.flow[None, : FRAMES - 1].copy())),
        "lips": normalised_lips(landmarks, boxes),
        "mel": torch.from_numpy(clip.mel[None, :FRAMES].copy()),
    }


def changed(before: torch.Tensor, after: torch.Tensor) -> list[int]:
    return (before != after).any(-1)[0].nonzero().ravel().tolist()


@pytest.mark.parametrize("name", ["flow", "lips"])
@torch.no_grad()
def test_one_unit_vector_a_frame_but_for_the_ends(pairs, inputs, name):
    motion, sound, scales = pairs[name](inputs[name], inputs["mel"])
    assert motion.shape == sound.shape == (1, FRAMES - 2 * REACH, 48)
    for vectors in (motion, sound):
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(1, FRAMES - 2 * REACH))
    torch.testing.assert_close(scales, torch.tensor([8.0, 16.0, 24.0]))


def test_weights_are_half_a_million(pairs):
    assert round(sum(value.numel() for pair in pairs.values() for value in pair.parameters()) / 1e6, 2) == 0.53


@torch.no_grad()
def test_the_sound_of_a_frame_reaches_five_frames_to_each_side(pairs, inputs):
    """Sounds of the piece's own mean are swapped, so that what is clip-wide stays as it was."""
    mel = inputs["mel"]
    for pair in pairs.values():
        other = mel.clone()
        # The frame's four columns in another order: percentile and means of the piece stay.
        other[:, DISTURBED] = mel[:, DISTURBED].flip(1)
        places = changed(pair.sound(mel), pair.sound(other))
        # Vector i is of frame i + 5: sums of another order differ in their last bits everywhere.
        far = [place for place in places if not -REACH <= place + REACH - DISTURBED <= REACH]
        gap = (pair.sound(mel) - pair.sound(other)).abs().amax(-1)[0]
        assert all(gap[place] < 1e-5 for place in far)
        near = [place for place in range(len(gap)) if gap[place] >= 1e-5]
        assert near == list(range(DISTURBED - 2 * REACH, DISTURBED + 1))


@torch.no_grad()
def test_the_lips_of_a_frame_reach_five_frames_to_each_side(pairs, inputs):
    lips = inputs["lips"]
    other = lips.clone()
    other[:, DISTURBED] += 0.1 * torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    places = changed(pairs["lips"].motion(lips), pairs["lips"].motion(other))
    assert places == list(range(DISTURBED - 2 * REACH, DISTURBED + 1))


@torch.no_grad()
def test_a_vector_of_flow_sees_the_motion_between_ten_frames(pairs, inputs):
    flow = inputs["flow"]
    other = flow.clone()
    other[:, DISTURBED] += torch.randn(2, 16, 16, generator=torch.Generator().manual_seed(0))
    places = changed(pairs["flow"].motion(flow), pairs["flow"].motion(other))
    # Flow 30 lies between frames 30 and 31: seen by those of 26 to 34, none of them beyond 5 frames from either.
    assert [place + REACH for place in places] == list(range(DISTURBED - 4, DISTURBED + 5))


@pytest.mark.parametrize("first", [0, 7, 20])
@torch.no_grad()
def test_a_piece_has_the_vectors_of_the_whole(pairs, inputs, first):
    """Of inputs that are normalised already: what is taken from a whole clip is not taken anew."""
    end, inside = first + 40, slice(first, first + 30)
    for name, last in (("flow", 39), ("lips", 40)):
        whole = pairs[name].motion(inputs[name])
        piece = pairs[name].motion(inputs[name][:, first : first + last])
        torch.testing.assert_close(piece, whole[:, inside], atol=1e-5, rtol=0)
    # The piece repeated is as loud and of the same colour as the piece.
    twice = torch.cat([inputs["mel"][:, first:end]] * 2, 1)
    for pair in pairs.values():
        found = pair.sound(twice)
        torch.testing.assert_close(found[:, :30], found[:, 40:70], atol=1e-5, rtol=0)


def test_motion_has_a_gradient_with_respect_to_the_flow(pairs, inputs):
    flow = inputs["flow"].clone().requires_grad_()
    pairs["flow"].motion(flow).sum().backward()
    assert flow.grad.abs().sum() > 0
