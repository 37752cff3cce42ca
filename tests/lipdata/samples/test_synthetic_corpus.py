"""The synthetic corpus, measured from outside: its files by ffmpeg, its sentences, and what is refused."""

import hashlib
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lipdata.errors import LipdataError
from lipdata.samples import write_synthetic_corpus
from lipdata.samples.espeak import say
from lipdata.samples.synthetic_corpus import MAX_CLIPS, SPEAKERS, clip_name, sentence
from tests.lipdata.samples.outside import TICKS_PER_S, align_of, decoded, frames_of


def test_layout_is_grid_s(synthetic: list[Path]) -> None:
    assert [clip.parent.name for clip in synthetic] == ["t1", "t2", "t3"]
    assert all(re.fullmatch(r"[blps][bgrw][abiw][a-vx-z][z1-9][anps]\.mpg", clip.name) for clip in synthetic)
    assert "ynthetic" in (synthetic[0].parents[1] / "README.txt").read_text()


def test_streams_are_grid_s(synthetic: list[Path]) -> None:
    for clip in synthetic:
        said = decoded(clip, "-f", "null").stderr.decode()
        assert "Input #0, mpeg," in said
        assert re.search(r"Video: mpeg1video, yuv420p.*, 360x288 \[SAR 1:1.*25 fps", said)
        assert re.search(r"Audio: mp2, 44100 Hz, stereo", said)
        assert len(frames_of(clip)) == 75


@pytest.mark.slow
def test_same_bytes_every_time(synthetic: list[Path], tmp_path: Path) -> None:
    again = write_synthetic_corpus(tmp_path / "again", 3)
    digests = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] for paths in (synthetic, again)]
    assert digests[0] == digests[1]


def test_align_tells_the_words_of_the_name(synthetic: list[Path]) -> None:
    for index, clip in enumerate(synthetic):
        words = align_of(clip)
        assert [word for _, _, word in words] == ["sil", *sentence(index), "sil"]
        assert clip.stem == clip_name(sentence(index))
        assert words[0][0] == 0 and words[-1][1] == 75000
        assert all(start < end for start, end, _ in words)
        assert all(one[1] == two[0] for one, two in pairwise(words))


def test_sound_lies_between_the_silences(synthetic: list[Path]) -> None:
    for clip in synthetic:
        samples = np.frombuffer(decoded(clip, "-f", "s16le", "-ac", "1", "-ar", "16000").stdout, np.int16)
        loud = np.flatnonzero(np.abs(samples.astype(int)) > 300) / 16000
        words = align_of(clip)
        assert loud[0] == pytest.approx(words[1][0] / TICKS_PER_S, abs=0.09)
        assert loud[-1] == pytest.approx(words[-1][0] / TICKS_PER_S, abs=0.09)


@pytest.mark.slow
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
