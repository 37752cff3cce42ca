"""Offset and confidence of one clip."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lipdata
import lipmodel
from lipdata.errors import LipdataError
from lipdata.media.ffmpeg import ffmpeg_binary
from lipdata.shards import Clip
from lipmodel.sync.answer import MIN_FRAMES
from lipmodel.sync.network import load_sync

UNSEEN = ("s22/lbbc2a", "s23/lrwp9a", "s23/priazn")


def cut(clip: Clip, first: int, end: int) -> Clip:
    """Some frames of a clip."""
    names = ("frames", "landmarks", "box", "tracked")
    features = {name: array[first:end] for name, array in clip.features.items()}
    return replace(clip, features=features, **{name: clip.array(name)[first:end] for name in names})


def with_sound(clip: Clip, mel: np.ndarray) -> Clip:
    return replace(clip, features=dict(clip.features) | {"mel": mel})


def with_flow(clip: Clip, flow: np.ndarray) -> Clip:
    return replace(clip, features=dict(clip.features) | {"flow": flow})


@pytest.mark.parametrize("clip_id", UNSEEN)
def test_clips_of_speakers_never_seen_are_in_step(real_clips, clip_id):
    clip = next(clip for clip in real_clips if clip.clip_id == clip_id)
    found = lipmodel.sync_offset(clip)
    assert abs(found.offset_frames) <= 1 and found.reason == ""
    assert found.cosines.shape == (31,) and found.distance == pytest.approx(1 - np.nanmax(found.cosines))
    assert found.confidence == pytest.approx(np.nanmax(found.cosines) - np.nanmedian(found.cosines))


@pytest.mark.parametrize("clip_id", UNSEEN)
def test_foreign_sound_is_less_confident(real_clips, clip_id):
    clip = next(clip for clip in real_clips if clip.clip_id == clip_id)
    own = lipmodel.sync_offset(clip).confidence_sd
    others = [
        lipmodel.sync_offset(with_sound(clip, other.mel)).confidence_sd
        for other in real_clips
        if other.speaker != clip.speaker
    ]
    assert len(others) >= 6 and max(others) < own


@pytest.fixture(scope="module")
def delayed(clips: Path, tmp_path_factory: pytest.TempPathFactory):
    """The offset of a real clip whose sound comes ``late_s`` later than in its file."""

    def offset(name: str, late_s: float) -> float:
        path = tmp_path_factory.mktemp("delayed") / "clip.mkv"
        source = str(clips / name)
        # The same file twice: the picture as it is, its sound with another time stamp.
        command = [ffmpeg_binary(), "-v", "error", "-i", source, "-itsoffset", str(late_s), "-i", source]
        command += ["-map", "0:v", "-map", "1:a", "-c", "copy", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return lipmodel.sync_offset(lipdata.load_clip(path, pipeline="grid")).offset_frames

    return offset


@pytest.mark.parametrize("name", ["s22/lbbc2a.mpg", "s23/priazn.mpg"])
def test_later_sound_has_a_greater_offset(delayed, name):
    on_time = delayed(name, 0.0)
    assert delayed(name, 0.08) - on_time == pytest.approx(2, abs=0.3)
    assert delayed(name, 0.2) - on_time == pytest.approx(5, abs=0.3)
    assert delayed(name, -0.12) - on_time == pytest.approx(-3, abs=0.3)


def test_windows_show_a_clip_that_is_cut_together(real_clips):
    """Two clips in a row, the second with its sound 5 frames later."""
    one, other = (clip for clip in real_clips if clip.clip_id in ("s22/lbbc2a", "s23/priazn"))
    late = with_sound(other, np.roll(other.mel, 5, 0))
    names = ("frames", "landmarks", "box", "tracked")
    both = replace(
        one,
        features={name: np.concatenate([one.features[name], late.features[name]]) for name in one.features},
        **{name: np.concatenate([one.array(name), late.array(name)]) for name in names},
    )
    found = lipmodel.sync_offset(both)
    assert found.offset_max - found.offset_min > 3.5, found


NO_ANSWER = {
    "short": (lambda clip: cut(clip, 0, MIN_FRAMES - 1), "24 frames; at least 25 wanted"),
    "still": (lambda clip: with_flow(clip, np.zeros_like(clip.flow)), "mouth moves by 0.000 pixels a frame"),
    "nodding": (
        lambda clip: with_flow(clip, np.full_like(clip.flow, 3) * np.sin(np.arange(75)).reshape(-1, 1, 1, 1)),
        "mouth moves by 0.0",
    ),
    "silent": (lambda clip: with_sound(clip, np.full_like(clip.mel, -100)), "its sound is at -100 dB"),
    "hum": (lambda clip: with_sound(clip, np.full_like(clip.mel, -10)), "varies by 0 dB"),
    "interpolated": (lambda clip: replace(clip, tracked=np.arange(75) < 30), "no face in 45 of 75 frames"),
    "not finite": (lambda clip: with_sound(clip, np.full_like(clip.mel, np.nan)), "not finite"),
    "flow not finite": (lambda clip: with_flow(clip, np.full_like(clip.flow, np.inf)), "flow holds values"),
}


@pytest.mark.parametrize("name", NO_ANSWER)
def test_no_answer_in_place_of_a_number_that_means_nothing(real_clips, name):
    spoil, reason = NO_ANSWER[name]
    found = lipmodel.sync_offset(spoil(real_clips[-1]))
    assert reason in found.reason and "\n" not in found.reason
    assert repr(found) == f"Sync(no answer: {found.reason})"
    assert all(value is None for field, value in vars(found).items() if field != "reason")


def test_the_shortest_clip_that_has_an_answer(real_clips):
    found = lipmodel.sync_offset(cut(real_clips[-1], 20, 20 + MIN_FRAMES))
    assert found.offset_frames is not None and found.offset_min is None


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda clip: replace(clip, fps=30), "30 frames a second; allowed: 25"),
        (lambda clip: with_sound(clip, clip.mel[..., :80]), r"mel of shape \(4, 80\); allowed: \(4, 128\)"),
        (lambda clip: with_flow(clip, clip.flow[:, ::2, ::2]), r"flow of shape \(32, 32, 2\); allowed: \(64, 64, 2\)"),
    ],
)
def test_a_clip_of_another_kind_is_refused(real_clips, change, error):
    with pytest.raises(LipdataError, match=error) as refusal:
        lipmodel.sync_offset(change(real_clips[0]))
    assert "\n" not in str(refusal.value)


def test_the_same_clip_always_gives_the_same_bits(real_clips):
    one, other = (lipmodel.sync_offset(real_clips[0], network=load_sync()) for _ in range(2))
    np.testing.assert_array_equal(one.cosines, other.cosines)
    assert repr(one).startswith("Sync(") and "sd)" in repr(one)
