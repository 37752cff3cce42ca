"""The mouths of the synthetic corpus as dlib sees them, beside the phonemes that drive them."""

from dataclasses import dataclass
from pathlib import Path

import dlib
import face_recognition_models
import numpy as np
import pytest

from lipdata.samples.espeak import Sound, say
from lipdata.samples.synthetic_corpus import SPEAKERS, sentence, spoken_text
from lipdata.samples.viseme import MouthTrack, mouth_track
from tests.lipdata.samples.outside import TICKS_PER_S, align_of, frames_of

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Seen:
    """What dlib sees in a clip: faces in each frame, and the inner lips' distance over the eyes' (T,)."""

    n_faces: list[int]
    opening: np.ndarray
    spread: np.ndarray


@pytest.fixture(scope="module")
def seen(synthetic: list[Path]) -> list[Seen]:
    return [look_at(frames_of(clip)) for clip in synthetic]


@pytest.fixture(scope="module")
def meant(synthetic: list[Path]) -> list[MouthTrack]:
    """What the mouths should do, computed again from the voice and the word times."""
    tracks = []
    for index, clip in enumerate(synthetic):
        speech = say(spoken_text(sentence(index)), SPEAKERS[index].voice)
        first_word_s = align_of(clip)[1][0] / TICKS_PER_S
        tracks.append(mouth_track(speech.sounds, first_word_s - speech.word_starts_s[0], 75, 25))
    return tracks


def look_at(frames: np.ndarray) -> Seen:
    detect = dlib.get_frontal_face_detector()
    predict = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())
    boxes = [detect(frame, 0) for frame in frames]
    points = np.array(
        [[(p.x, p.y) for p in predict(f, found[0]).parts()] for f, found in zip(frames, boxes, strict=True)]
    )  # T, 68, 2
    apart = [np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in ((62, 66), (48, 54), (36, 45))]
    return Seen([len(found) for found in boxes], apart[0] / apart[2], apart[1] / apart[2])


def silent_frames(clip: Path) -> np.ndarray:
    """Frames that lie in silence, and not where the lips are still on their way; bool, (75,)."""
    words = align_of(clip)
    at_s = (np.arange(75) + 0.5) / 25
    return (at_s < words[1][0] / TICKS_PER_S - 0.12) | (at_s > words[-1][0] / TICKS_PER_S + 0.12)


def test_dlib_finds_one_face_in_every_frame(seen: list[Seen]) -> None:
    assert all(look.n_faces == [1] * 75 for look in seen)


def test_mouth_moves_with_the_speech_and_rests_in_silence(synthetic: list[Path], seen: list[Seen]) -> None:
    for clip, look in zip(synthetic, seen, strict=True):
        silent = silent_frames(clip)
        assert silent.sum() > 15
        assert look.opening[~silent].mean() > 2 * look.opening[silent].mean()
        assert look.opening[~silent].std() > 3 * look.opening[silent].std()


def test_measured_opening_follows_the_phonemes(seen: list[Seen], meant: list[MouthTrack]) -> None:
    for look, track in zip(seen, meant, strict=True):
        assert np.corrcoef(look.opening, track.opening)[0, 1] > 0.8
    measured, driving = (np.concatenate([one.opening for one in all_]) for all_ in (seen, meant))
    assert np.corrcoef(measured, driving)[0, 1] > 0.88


def test_rounded_vowels_are_seen_narrower_than_spread_ones(seen: list[Seen], meant: list[MouthTrack]) -> None:
    # Against the speaker's own mouth at rest, for mouths differ.
    measured = np.concatenate(
        [look.spread / look.spread[track.opening == 0].mean() for look, track in zip(seen, meant, strict=True)]
    )
    driving = np.concatenate([track.spread for track in meant])
    assert measured[driving < -0.5].mean() < 0.95 * measured[driving > 0.5].mean()


def test_b_within_speech_is_seen_closed(seen: list[Seen], meant: list[MouthTrack]) -> None:
    # "place blue in a three soon": the lips meet for b between the s and the vowel of blue.
    look, track = seen[2], meant[2]
    speaking = np.flatnonzero(track.opening > 0.1)
    shut = np.arange(speaking[0], speaking[-1])
    shut = shut[track.opening[shut] < 0.02]
    assert len(shut) >= 1
    assert look.opening[shut].max() < 0.6 * look.opening[speaking].mean()


@pytest.mark.parametrize("name", ["b", "p", "m"])
def test_bilabials_close_and_others_do_not(name: str) -> None:
    def least(middle: str) -> float:
        sounds = (Sound(0.0, 0.2, "a"), Sound(0.2, 0.26, middle), Sound(0.26, 0.5, "a"))
        return float(mouth_track(sounds, 1.0, 75, 25).opening[28:34].min())

    assert least(name) < 0.02
    assert least("g") > 0.3
