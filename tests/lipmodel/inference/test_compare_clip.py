"""A clip, real beside generated."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from lipdata.errors import LipdataError
from lipdata.shards import ShardFolder
from lipmodel.images import to_pixels, to_signal
from lipmodel.inference.compare_clip import write_comparison
from tests.lipmodel.media_files import decoded, described


def test_real_on_the_left_generated_on_the_right(model, shards_folder, tmp_path):
    line = write_comparison(model, shards_folder, "s2/a", tmp_path / "out.mp4", overwrite=False)
    assert "16 frames, 0.64 s, of step 2" in line and "out.strip.png" in line
    frames = decoded(tmp_path / "out.mp4")
    assert frames.shape == (16, 256, 512, 3) and "Audio" not in described(tmp_path / "out.mp4")
    strip = cv2.imread(str(tmp_path / "out.strip.png"))[..., ::-1]
    real, fake = (strip[top : top + 64, : 16 * 64].reshape(64, 16, 64, 3).swapaxes(0, 1) for top in (0, 64))
    clip = ShardFolder(shards_folder)["s2/a"]
    np.testing.assert_array_equal(real, clip.frames)
    generator = model.generator
    identity = to_signal(torch.from_numpy(clip.frames[:1].copy()))
    with torch.no_grad():
        video = generator(torch.from_numpy(clip.mel.reshape(1, 64, 128).copy()), identity).video
    np.testing.assert_allclose(fake, to_pixels(video)[0], atol=1)
    small = np.stack([cv2.resize(frame, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for frame in frames])
    assert np.abs(small[:, :, :64] - real.astype(float)).mean() < 4  # H.264
    assert np.corrcoef(small[:, :, 64:].ravel(), fake.ravel())[0, 1] > 0.8  # random weights make noise


@pytest.mark.parametrize(("clip_id", "n_frames"), [("s1/short", 10), ("s2/b", 33), ("s1/a", 40)])
def test_a_second_a_block(model, shards_folder, tmp_path, clip_id, n_frames):
    write_comparison(model, shards_folder, clip_id, tmp_path / "out.mp4", overwrite=False)
    assert len(decoded(tmp_path / "out.mp4")) == n_frames
    strip = cv2.imread(str(tmp_path / "out.strip.png"))
    n_blocks = -(-n_frames // 25)
    assert strip.shape == (n_blocks * (4 * 64 + 8), 25 * 64, 3)
    assert (strip[-8 - 128 :, (n_frames - 25 * (n_blocks - 1) - 1) * 64 :] == 255).all()  # no flow after the last frame


def refused(model, shards, clip_id, out, match):
    with pytest.raises(LipdataError, match=match) as refusal:
        write_comparison(model, shards, clip_id, out, overwrite=False)
    assert "\n" not in str(refusal.value)


def test_mistakes_are_reported_in_one_line(model, shards_folder, tmp_path):
    out = tmp_path / "out.mp4"
    refused(model, shards_folder, "s2/valid", out, "has no clip 's2/valid'; it has s2/val, ")
    refused(model, shards_folder, "zzz", out, "has no clip 'zzz'; it has s1/a, s1/b, ")
    refused(model, tmp_path, "s1/a", out, "holds no shards")
    (tmp_path / "out.strip.png").write_text("mine")
    refused(model, shards_folder, "s1/a", out, "out.strip.png exists")
    assert not out.exists() and (tmp_path / "out.strip.png").read_text() == "mine"


def test_shards_with_other_crops_are_refused(model, shards_folder, tmp_path):
    pipeline = model.run.pipeline
    other = replace(pipeline, lips=replace(pipeline.lips, half_side=1.0))
    refused(
        replace(model, run=replace(model.run, pipeline=other)),
        shards_folder,
        "s1/a",
        tmp_path / "out.mp4",
        "other crops or mel than the run learnt from",
    )
