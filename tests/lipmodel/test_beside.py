from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from lipdata.analysis.clip_picture import find_clip
from lipdata.errors import LipdataError
from lipmodel.config import load_run, save_run
from lipmodel.images import to_pixels, to_signal
from lipmodel.inference.compare_clip import write_comparison
from tests.lipmodel.test_generate import decoded, told
from tests.lipmodel.untrained import generator_of, untrained


@pytest.fixture
def run(shards_folder, tmp_path):
    untrained(tmp_path / "run", shards_folder, {2: None})
    return tmp_path / "run"


def test_real_on_the_left_generated_on_the_right(run, shards_folder, tmp_path):
    line = write_comparison(run, shards_folder, "s2/a", tmp_path / "out.mp4", overwrite=False)
    assert "16 frames, 0.64 s, of step 2" in line and "out.strip.png" in line
    frames = decoded(tmp_path / "out.mp4")
    assert frames.shape == (16, 256, 512, 3) and "Audio" not in told(tmp_path / "out.mp4")
    strip = cv2.imread(str(tmp_path / "out.strip.png"))[..., ::-1]
    real, fake = (strip[top : top + 64, : 16 * 64].reshape(64, 16, 64, 3).swapaxes(0, 1) for top in (0, 64))
    clip = find_clip(shards_folder, "s2/a").clip("s2/a")
    np.testing.assert_array_equal(real, clip.frames)
    generator = generator_of(run, load_run(run))
    identity = to_signal(torch.from_numpy(clip.frames[:1].copy()))
    with torch.no_grad():
        spoken = generator(torch.from_numpy(clip.mel.reshape(1, 64, 128).copy()), identity).video
    np.testing.assert_allclose(fake, to_pixels(spoken)[0], atol=1)
    small = np.stack([cv2.resize(frame, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for frame in frames])
    assert np.abs(small[:, :, :64] - real.astype(float)).mean() < 4  # H.264
    assert np.corrcoef(small[:, :, 64:].ravel(), fake.ravel())[0, 1] > 0.8  # random weights make noise


@pytest.mark.parametrize(("clip_id", "n_frames"), [("s1/short", 10), ("s2/b", 33), ("s1/a", 40)])
def test_a_second_a_block(run, shards_folder, tmp_path, clip_id, n_frames):
    write_comparison(run, shards_folder, clip_id, tmp_path / "out.mp4", overwrite=False)
    assert len(decoded(tmp_path / "out.mp4")) == n_frames
    strip = cv2.imread(str(tmp_path / "out.strip.png"))
    n_blocks = -(-n_frames // 25)
    assert strip.shape == (n_blocks * (4 * 64 + 8), 25 * 64, 3)
    assert (strip[-8 - 128 :, (n_frames - 25 * (n_blocks - 1) - 1) * 64 :] == 255).all()  # no flow after the last frame


def refused(run, shards, clip_id, out, match):
    with pytest.raises(LipdataError, match=match) as refusal:
        write_comparison(run, shards, clip_id, out, overwrite=False)
    assert "\n" not in str(refusal.value)


def test_mistakes_are_told_in_one_line(run, shards_folder, tmp_path):
    out = tmp_path / "out.mp4"
    refused(run, shards_folder, "s2/valid", out, "has no clip 's2/valid'; it has s2/val, ")
    refused(run, shards_folder, "zzz", out, "has no clip 'zzz'; it has s1/a, s1/b, ")
    refused(run, tmp_path, "s1/a", out, "holds no shards")
    refused(tmp_path, shards_folder, "s1/a", out, "is no run folder")
    (tmp_path / "out.strip.png").write_text("mine")
    refused(run, shards_folder, "s1/a", out, "out.strip.png exists")
    assert not out.exists() and (tmp_path / "out.strip.png").read_text() == "mine"


def test_shards_with_other_crops_are_refused(run, shards_folder, tmp_path):
    settings = load_run(run)
    other = replace(settings.pipeline, lips=replace(settings.pipeline.lips, half_side=1.0))
    save_run(run, replace(settings, pipeline=other))
    refused(run, shards_folder, "s1/a", tmp_path / "out.mp4", "other crops or mel than the run learnt from")
