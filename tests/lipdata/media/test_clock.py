"""Frames and sound on one clock: frame rates, delays, parts of a clip, time stamps."""

from pathlib import Path

import numpy as np
import pytest

from lipdata.errors import ClipError
from tests.conftest import encode
from tests.lipdata.media.made_up import LOSSLESS, RATE, click, onset_s, ramp, read


@pytest.mark.parametrize("fps", [10, 12.5, 25, 29.97, 30, 50, 60])
def test_other_frame_rates_go_by_time_stamp(tmp_path: Path, fps: float) -> None:
    clip = read(encode(tmp_path / "a.mkv", ramp(round(2 * fps), fps), click(1, 2), fps=fps, options=LOSSLESS))
    assert len(clip.frames) == 50
    # Grey is 100 x time. A slower source shows its last picture until the next is due; a faster one, the nearest.
    shown_s = clip.frames[:, 0, 0, 0] / 100
    early_s = np.arange(len(clip.frames)) / 25 - shown_s
    assert early_s.min() >= -0.5 / 25 - 0.006 and early_s.max() <= max(1 / fps if fps < 25 else 0, 0.5 / 25) + 0.006
    assert len(clip.sound) == len(clip.frames) * RATE // 25


@pytest.mark.parametrize("late_s", [0.0, 0.2, 0.5, -0.2])
def test_sound_and_picture_share_one_clock(tmp_path: Path, late_s: float) -> None:
    path = encode(
        tmp_path / "a.mkv",
        ramp(50, 25),
        click(0.7, 2),
        options=LOSSLESS,
        sound_options=("-itsoffset", str(late_s)),
    )
    clip = read(path)
    assert clip.av_offset_s == pytest.approx(late_s, abs=0.002)
    assert onset_s(clip.sound) == pytest.approx(0.7 + late_s, abs=0.002)
    assert clip.frames[:, 0, 0, 0].tolist() == ramp(50, 25)[:, 0, 0, 0].tolist()


def test_sound_is_padded_cut_and_resampled(tmp_path: Path) -> None:
    short = read(encode(tmp_path / "a.mkv", ramp(50, 25), click(0.5, 1.2), options=LOSSLESS))
    assert len(short.sound) == 2 * RATE and not short.sound[round(1.3 * RATE) :].any()
    long = read(encode(tmp_path / "b.mkv", ramp(50, 25), click(0.5, 3), options=LOSSLESS))
    assert len(long.sound) == 2 * RATE
    stereo = np.stack([click(0.5, 2, 48000), click(0.5, 2, 48000)])
    other = read(encode(tmp_path / "c.mkv", ramp(50, 25), stereo, rate_hz=48000, options=LOSSLESS))
    assert onset_s(other.sound) == pytest.approx(0.5, abs=0.002) and len(other.sound) == 2 * RATE


def test_sound_of_another_file_and_a_part_of_a_clip(tmp_path: Path) -> None:
    picture = encode(tmp_path / "a.mkv", ramp(75, 25), None, options=LOSSLESS)
    sound = encode(tmp_path / "a.wav", None, click(1.5, 3))
    clip = read(picture, audio_path=sound, start_s=1.0, end_s=2.0)
    assert len(clip.frames) == 25
    assert clip.frames[:, 0, 0, 0].tolist() == ramp(75, 25)[25:50, 0, 0, 0].tolist()
    assert onset_s(clip.sound) == pytest.approx(0.5, abs=0.002)


@pytest.mark.parametrize("late_s", [0.1, 2.0, -0.1, -11.0])
def test_late_sound_is_taken_from_later_in_the_file(tmp_path: Path, late_s: float) -> None:
    # Also beyond what the part itself needs, before it and behind it.
    path = encode(tmp_path / "a.mkv", ramp(350, 25)[:, :16, :16], click(12.5 + late_s, 15), options=LOSSLESS)
    moved, as_it_lies = (read(path, start_s=12.0, end_s=13.0, sound_late_s=late) for late in (late_s, 0.0))
    assert onset_s(moved.sound) == pytest.approx(0.5, abs=0.002)
    assert len(moved.sound) == RATE and moved.av_offset_s == as_it_lies.av_offset_s
    np.testing.assert_array_equal(moved.frames, as_it_lies.frames)
    whole = read(path, sound_late_s=late_s)
    assert onset_s(whole.sound) == pytest.approx(12.5, abs=0.002) and len(whole.frames) == 350


def test_the_delay_of_a_codec_is_known(sample: Path) -> None:
    # An MP2 encoder delays by 481 samples and says so in its time stamps.
    clip = read(next(sample.glob("t1/*.mpg")))
    assert clip.frames.shape == (75, 288, 360, 3)
    assert clip.av_offset_s == pytest.approx(-481 / RATE, abs=1e-3)


def test_a_part_begins_at_start_s(clips: Path) -> None:
    path = clips / "s1" / "bbaf2n.mpg"
    whole = read(path)
    for start_s, end_s in ((0.0, 1.0), (0.5, 2.5), (1.3, 2.5), (1.72, 3.0)):
        part = read(path, start_s=start_s, end_s=end_s)
        first = int(start_s * 25 + 0.5)
        assert len(part.frames) == round((end_s - start_s) * 25)
        # A start between two frames: the nearest picture, which is at most half a frame away.
        same = [np.array_equal(part.frames[0], whole.frames[first + shift]) for shift in (-1, 0, 1)]
        assert any(same)
        begin = round(start_s * RATE)
        np.testing.assert_array_equal(part.sound, whole.sound[begin : begin + len(part.sound)])
    with pytest.raises(ClipError, match="no picture between 9.0 and 9.5 s"):
        read(path, start_s=9.0, end_s=9.5)


def test_a_time_stamp_that_jumps_ten_hours_is_refused_at_once(tmp_path: Path) -> None:
    # Filled in, it would be 900,000 frames and 6 GB of silence.
    jumping = ("-vf", "setpts=PTS+gte(N\\,25)*36000/TB", "-af", "asetpts=PTS+gte(T\\,1)*36000/TB", "-fps_mode", "vfr")
    path = encode(tmp_path / "a.mkv", ramp(50, 25), click(0.5, 2), options=(*jumping, *LOSSLESS))
    with pytest.raises(ClipError, match="its time stamps reach 3600[01] s; allowed: 600"):
        read(path)


def test_few_pictures_that_are_shown_for_long_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slides = encode(tmp_path / "a.mkv", ramp(20, 1), click(0.5, 20), fps=1, options=LOSSLESS)
    assert len(read(slides).frames) == 500
    monkeypatch.setattr("lipdata.media.decode.MAX_BYTES", 1 << 20)  # the pictures alone are 184 kB, shown 4.6 MB
    with pytest.raises(ClipError, match="media: over 2 GiB of frames; cut it with start_s and end_s"):
        read(slides)
