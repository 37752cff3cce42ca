"""uint8 pixels and the signal of the networks."""

import torch

from lipmodel.images import to_pixels, to_signal


def test_all_bytes_survive_the_way_there_and_back():
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16, 1).repeat(2, 3, 1, 1, 3)
    assert torch.equal(to_pixels(to_signal(pixels)), pixels)


def test_black_and_white_are_minus_one_and_one():
    signal = to_signal(torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 2, 1).repeat(1, 1, 1, 3))
    assert signal.shape == (1, 3, 1, 2) and signal[0, 0, 0].tolist() == [-1, 1]


def test_the_bytes_keep_their_order():
    signal = to_signal(torch.zeros(2, 4, 8, 8, 3, dtype=torch.uint8))
    assert signal.is_contiguous(memory_format=torch.channels_last_3d)


def test_values_outside_are_cut():
    assert to_pixels(torch.tensor([-7.0, 7.0]).reshape(2, 1, 1, 1)).flatten().tolist() == [0, 255]
