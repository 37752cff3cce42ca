"""A clip decoded, beside what ffmpeg decodes by itself."""

import subprocess
from pathlib import Path

import numpy as np

from lipdata.media import decode_sound, ffmpeg_binary
from tests.conftest import encode
from tests.lipdata.media.made_up import RATE, click, ramp, read


def test_a_grid_clip_equals_what_ffmpeg_decodes_by_itself(clips: Path) -> None:
    path = clips / "s1" / "bbaf2n.mpg"
    clip = read(path)
    plain = [ffmpeg_binary(), "-v", "error", "-i", str(path)]
    frames = subprocess.run(
        [*plain, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True
    ).stdout
    stereo = subprocess.run([*plain, "-f", "f32le", "-"], capture_output=True, check=True).stdout
    assert clip.frames.shape == (75, 288, 360, 3)
    assert clip.frames.tobytes() == frames
    samples = np.frombuffer(stereo, np.float32).reshape(-1, 2).mean(1)
    assert len(clip.sound) == 3 * RATE
    # ffmpeg mixes to mono in another order of additions than numpy: a few last bits of float32.
    np.testing.assert_allclose(clip.sound[: len(samples)], samples, atol=1e-6)
    assert not clip.sound[len(samples) :].any()
    assert (clip.av_offset_s, clip.damage) == (0.0, "")


def test_decode_sound_reads_a_clip_too(clips: Path) -> None:
    path = clips / "s23" / "priazn.mpg"
    sound = decode_sound(path, RATE)
    assert sound.dtype == np.float32 and abs(len(sound) / RATE - 3) < 0.1 and 0.01 < np.abs(sound).max() <= 1


def test_sound_beyond_full_scale_stays_finite(tmp_path: Path) -> None:
    loud = ("-af", "volume=1e30:precision=float", "-c:v", "ffv1", "-c:a", "pcm_f32le")
    clip = read(encode(tmp_path / "a.mkv", ramp(50, 25), click(0.5, 2), options=loud))
    assert np.abs(clip.sound).max() == 1
