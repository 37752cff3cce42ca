"""A generated video in memory: what it prints, saves and shows in a notebook."""

import base64
import re
from dataclasses import replace

import numpy as np
import pytest

from lipdata.errors import LipdataError
from lipmodel.inference import Video
from tests.lipmodel.media_files import RATE_HZ, decoded, described, tone


@pytest.fixture
def video() -> Video:
    """Four grey frames that grow brighter."""
    frames = np.arange(60, 220, 40, dtype=np.uint8)[:, None, None, None] * np.ones((1, 64, 64, 3), np.uint8)
    return Video(frames, 25, tone(0.16), RATE_HZ, enlarged=4)


def test_it_prints_shapes_and_no_values(video):
    assert repr(video) == "Video(frames=(4, 64, 64, 3), fps=25, sound=(7056,), sample_rate_hz=44100)"


def test_saved_it_is_an_mp4_with_its_frames_and_sound(video, tmp_path):
    path = video.save(str(tmp_path / "out.mp4"))
    frames = decoded(path)
    assert frames.shape == (4, 256, 256, 3) and "aac" in described(path)
    # H.264 at crf 18 keeps plain grey within a few levels.
    np.testing.assert_allclose(frames.mean((1, 2, 3)), [60, 100, 140, 180], atol=3)


def test_it_replaces_a_file_only_when_allowed(video, tmp_path):
    path = tmp_path / "out.mp4"
    path.write_text("mine")
    with pytest.raises(LipdataError, match="out.mp4 exists"):
        video.save(path)
    assert path.read_text() == "mine"
    video.save(path, overwrite=True)
    assert len(decoded(path)) == 4


def test_a_notebook_shows_the_video_itself(video, tmp_path):
    found = re.fullmatch(r'<video controls src="data:video/mp4;base64,([^"]+)"></video>', video._repr_html_())
    assert found is not None
    path = tmp_path / "shown.mp4"
    path.write_bytes(base64.b64decode(found[1]))
    assert decoded(path).shape == (4, 256, 256, 3)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 64, 64, 3), np.float32), ((64, 64, 3), np.uint8), ((0, 64, 64, 3), np.uint8)]
)
def test_frames_of_another_kind_are_refused(shape, dtype):
    with pytest.raises(LipdataError, match=r"allowed: uint8, \(T, H, W, 3\)"):
        Video(np.zeros(shape, dtype), 25, tone(0.16), RATE_HZ)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sound": np.zeros((3, 2), np.float32)}, "sound is float32 .3, 2."),
        ({"sound": np.zeros(10, np.int16)}, "sound is int16"),
        ({"fps": 0}, "fps is 0"),
        ({"sample_rate_hz": -1}, "sample_rate_hz is -1"),
    ],
)
def test_sound_and_rates_are_checked(video, changes, message):
    with pytest.raises(LipdataError, match=message):
        replace(video, **changes)


def test_odd_sides_are_one_line(video, tmp_path):
    odd = replace(video, frames=video.frames[:, :63], enlarged=1)
    with pytest.raises(LipdataError, match="64 x 63 pixels; allowed: even sides"):
        odd.save(tmp_path / "odd.mp4")
