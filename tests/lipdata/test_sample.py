"""The sample corpus, measured from outside: by ffmpeg, by dlib and against its own word times."""

import hashlib
import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import dlib
import face_recognition_models
import numpy as np
import pytest

from lipdata.errors import LipdataError
from lipdata.media.ffmpeg import ffmpeg_binary
from lipdata.samples.espeak import Sound, say
from lipdata.samples.synthetic_corpus import (
    MAX_CLIPS,
    SPEAKERS,
    clip_name,
    sentence,
    spoken_text,
    write_synthetic_corpus,
)
from lipdata.samples.viseme import MouthTrack, mouth_track

N_CLIPS = 3


def test_the_clip_that_make_demo_names_is_in_the_corpus() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    named = re.search(r"corpus/s33/(\w+)\.mpg", makefile)
    said = re.search(r'says \\"([a-z ]+)\\"', makefile)
    assert named and said
    assert {clip_name(sentence(index)) for index in range(2, 12, 3)} >= {named[1]}
    assert clip_name(tuple(said[1].split())) == named[1]


TICKS_PER_S = 25000


@dataclass(frozen=True)
class Seen:
    """What dlib sees in a clip: faces in each frame, and the inner lips' distance over the eyes' (T,)."""

    n_faces: list[int]
    opening: np.ndarray
    spread: np.ndarray


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_synthetic_corpus(tmp_path_factory.mktemp("sample"), N_CLIPS)


@pytest.fixture(scope="module")
def seen(clips: list[Path]) -> list[Seen]:
    return [_look(_frames(clip)) for clip in clips]


@pytest.fixture(scope="module")
def meant(clips: list[Path]) -> list[MouthTrack]:
    """What the mouths were told to do, made again from the voice and the align file."""
    tracks = []
    for index, clip in enumerate(clips):
        speech = say(spoken_text(sentence(index)), SPEAKERS[index].voice)
        first_word_s = _align(clip)[1][0] / TICKS_PER_S
        tracks.append(mouth_track(speech.sounds, first_word_s - speech.word_starts_s[0], 75, 25))
    return tracks


def _decode(clip: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [ffmpeg_binary(), "-hide_banner", "-i", str(clip), *options, "pipe:"]
    return subprocess.run(command, capture_output=True, check=True)


def _frames(clip: Path) -> np.ndarray:
    raw = _decode(clip, "-f", "rawvideo", "-pix_fmt", "rgb24").stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, 288, 360, 3)  # T, H, W, 3


def _look(frames: np.ndarray) -> Seen:
    detect = dlib.get_frontal_face_detector()
    predict = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())
    boxes = [detect(frame, 0) for frame in frames]
    points = np.array(
        [[(p.x, p.y) for p in predict(f, found[0]).parts()] for f, found in zip(frames, boxes, strict=True)]
    )  # T, 68, 2
    apart = [np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in ((62, 66), (48, 54), (36, 45))]
    return Seen([len(found) for found in boxes], apart[0] / apart[2], apart[1] / apart[2])


def _align(clip: Path) -> list[tuple[int, int, str]]:
    lines = (clip.parent / "align" / f"{clip.stem}.align").read_text().splitlines()
    return [(int(start), int(end), word) for start, end, word in map(str.split, lines)]


def _silent(clip: Path) -> np.ndarray:
    """Frames that lie in silence, and not where the lips are still on their way; bool, (75,)."""
    words = _align(clip)
    at_s = (np.arange(75) + 0.5) / 25
    return (at_s < words[1][0] / TICKS_PER_S - 0.12) | (at_s > words[-1][0] / TICKS_PER_S + 0.12)


def test_layout_is_grid_s(clips: list[Path]) -> None:
    assert [clip.parent.name for clip in clips] == ["s1", "s2", "s33"]
    assert all(re.fullmatch(r"[blps][bgrw][abiw][a-vx-z][z1-9][anps]\.mpg", clip.name) for clip in clips)
    assert "ynthetic" in (clips[0].parents[1] / "README.txt").read_text()


def test_streams_are_grid_s(clips: list[Path]) -> None:
    for clip in clips:
        said = _decode(clip, "-f", "null").stderr.decode()
        assert "Input #0, mpeg," in said
        assert re.search(r"Video: mpeg1video, yuv420p.*, 360x288 \[SAR 1:1.*25 fps", said)
        assert re.search(r"Audio: mp2, 44100 Hz, stereo", said)
        assert len(_frames(clip)) == 75


def test_same_bytes_every_time(clips: list[Path], tmp_path: Path) -> None:
    again = write_synthetic_corpus(tmp_path / "again", N_CLIPS)
    digests = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] for paths in (clips, again)]
    assert digests[0] == digests[1]


def test_align_tells_the_words_of_the_name(clips: list[Path]) -> None:
    for index, clip in enumerate(clips):
        words = _align(clip)
        assert [word for _, _, word in words] == ["sil", *sentence(index), "sil"]
        assert clip.stem == clip_name(sentence(index))
        assert words[0][0] == 0 and words[-1][1] == 75000
        assert all(start < end for start, end, _ in words)
        assert all(one[1] == two[0] for one, two in pairwise(words))


def test_sound_lies_between_the_silences(clips: list[Path]) -> None:
    for clip in clips:
        samples = np.frombuffer(_decode(clip, "-f", "s16le", "-ac", "1", "-ar", "16000").stdout, np.int16)
        loud = np.flatnonzero(np.abs(samples.astype(int)) > 300) / 16000
        words = _align(clip)
        assert loud[0] == pytest.approx(words[1][0] / TICKS_PER_S, abs=0.09)
        assert loud[-1] == pytest.approx(words[-1][0] / TICKS_PER_S, abs=0.09)


def test_dlib_finds_one_face_in_every_frame(seen: list[Seen]) -> None:
    assert all(look.n_faces == [1] * 75 for look in seen)


def test_mouth_moves_with_the_speech_and_rests_in_silence(clips: list[Path], seen: list[Seen]) -> None:
    for clip, look in zip(clips, seen, strict=True):
        silent = _silent(clip)
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


def test_speech_does_not_depend_on_what_was_said_before() -> None:
    text, voice = "lay red with v zero please", SPEAKERS[0].voice
    first = say(text, voice)
    say("set white by q nine again", SPEAKERS[1].voice)
    assert np.array_equal(first.samples, say(text, voice).samples)


def test_unknown_voice_is_an_error() -> None:
    with pytest.raises(LipdataError, match="could not say 'soon' as nobody"):
        say("soon", type(SPEAKERS[0].voice)("nobody", 170, 50))


def test_sentences_differ_and_the_held_out_speaker_s_words_are_known() -> None:
    assert len({sentence(index) for index in range(MAX_CLIPS)}) == MAX_CLIPS
    assert len({clip_name(sentence(index)) for index in range(MAX_CLIPS)}) == MAX_CLIPS
    known = {word for index in range(12) if index % 3 < 2 for word in sentence(index)}
    assert {word for index in range(2, 12, 3) for word in sentence(index)} <= known


def test_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(LipdataError, match="not empty"):
        write_synthetic_corpus(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("keep")
    with pytest.raises(LipdataError, match="name another folder"):
        write_synthetic_corpus(tmp_path / "file", 1)


@pytest.mark.parametrize("n_clips", [0, -1, MAX_CLIPS + 1])
def test_refuses_an_impossible_number(n_clips: int, tmp_path: Path) -> None:
    with pytest.raises(LipdataError, match="ask for 1 to"):
        write_synthetic_corpus(tmp_path / "out", n_clips)
    assert not (tmp_path / "out").exists()
