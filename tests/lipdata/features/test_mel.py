"""Log-mel of real speech and of made sounds, beside librosa."""

from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np

from lipdata.config import Pipeline
from lipdata.features.mel import log_mel
from lipdata.media import decode_sound


def test_it_is_what_librosa_gives_for_each_piece(clips: Path, setup: Pipeline) -> None:
    sound = decode_sound(clips / "s1" / "bbaf2n.mpg", 44100)
    pieces = np.zeros((75, 1764), np.float32)
    pieces.ravel()[: len(sound)] = sound[: pieces.size]
    other = replace(setup.mel, n_fft=512, hop=300, n_mels=40, fmax_hz=900)
    for mel, columns in ((setup.mel, 4), (replace(setup.mel, n_fft=1023, n_mels=80, fmax_hz=8000), 4), (other, 6)):
        got = log_mel(sound, 75, mel, 25)
        power = librosa.feature.melspectrogram(
            y=pieces, sr=44100, n_fft=mel.n_fft, hop_length=mel.hop, n_mels=mel.n_mels, fmax=mel.fmax_hz
        )
        assert got.shape == (75, columns, mel.n_mels) and got.dtype == np.float32
        # dB; both compute in float32, in another order.
        np.testing.assert_allclose(got, librosa.power_to_db(power, top_db=None).swapaxes(1, 2), rtol=0, atol=1e-4)


def test_a_frame_depends_on_its_own_piece_alone(setup: Pipeline) -> None:
    random = np.random.default_rng(0)
    quiet = random.normal(0, 1e-4, 10 * 1764).astype(np.float32)
    loud = quiet.copy()
    loud[5 * 1764 : 6 * 1764] = random.normal(0, 0.5, 1764)
    one, other = log_mel(quiet, 10, setup.mel, 25), log_mel(loud, 10, setup.mel, 25)
    changed = np.abs(one - other).max((1, 2)) > 1e-3
    assert np.flatnonzero(changed).tolist() == [5]


def test_a_tone_lies_in_its_band(setup: Pipeline) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16 * 1764) / 44100)
    band = log_mel(tone.astype(np.float32), 16, setup.mel, 25).mean((0, 1)).argmax()
    centres_hz = librosa.mel_frequencies(130, fmin=0, fmax=16000)[1:-1]
    assert abs(centres_hz[band] - 1000) < 60


def test_silence_and_missing_sound_are_the_floor(setup: Pipeline) -> None:
    mel = log_mel(np.zeros(1764, np.float32), 16, setup.mel, 25)
    assert mel.shape == (16, 4, 128)
    np.testing.assert_allclose(mel, -100, atol=1e-3)
