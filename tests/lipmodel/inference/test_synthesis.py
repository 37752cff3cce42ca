"""Frames of any number from any generator."""

import numpy as np
import pytest
import torch

from lipdata.errors import LipdataError
from lipmodel.config import load_run
from lipmodel.inference.face_image import read_mouth_image
from lipmodel.inference.synthesis import chosen_checkpoint, synthesise
from tests.lipmodel.untrained import generator_of, untrained


def silence(first, end):
    return np.full((end - first, 4, 128), -100, np.float32)


def test_steady_sound_gives_the_same_frames_in_every_window(model, crop):
    """So neither blending nor taking several windows at once leaves a mark; both ends stand alone."""
    settings, generator = model.run, model.generator
    mouth = read_mouth_image(crop, settings.pipeline).crop
    frames = np.array(list(synthesise(generator, mouth, silence, 200, settings)))
    assert frames.shape == (200, 64, 64, 3) and frames.dtype == np.uint8
    blocks = frames[8:192].reshape(23, 8, 64, 64, 3).astype(int)
    assert np.abs(blocks - blocks[0]).max() <= 1


@pytest.mark.parametrize("variant", ["e", "vondrick", "chung"])
def test_every_generator_speaks(shards_folder, tmp_path, variant):
    settings = untrained(tmp_path / "run", shards_folder, {1: None}, variant=variant)
    generator = generator_of(tmp_path / "run", settings)
    frames = np.array(list(synthesise(generator, np.zeros((64, 64, 3), np.uint8), silence, 21, settings)))
    assert frames.shape == (21, 64, 64, 3)


def test_the_newest_and_the_best_checkpoint(random_run, shards_folder, tmp_path):
    settings = load_run(random_run)
    assert [chosen_checkpoint(random_run, settings, best=best)[1] for best in (False, True)] == [2, 1]
    newest, best = generator_of(random_run, settings), generator_of(random_run, settings, best=True)
    assert not torch.equal(next(newest.parameters()), next(best.parameters()))
    untrained(tmp_path / "other", shards_folder, {1: None})
    with pytest.raises(LipdataError, match="other was not measured on validation clips"):
        chosen_checkpoint(tmp_path / "other", settings, best=True)
