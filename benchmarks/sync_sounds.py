"""Sound that no mouth made, and speech that has been spoilt: float32 mono at 44.1 kHz, -1 to 1."""

import functools

import numpy as np

from lipdata.samples.espeak import Voice, say

RATE_HZ = 44100
SPEECH_DB = -20.0
ROOM_DB = -60.0
VOICES = ("en+f2", "en+m3", "de+m1", "fr+f2", "es+m2", "it+f3", "pl+m4", "nl+f1", "pt+m5", "sv+f4")
TEXTS = (
    "lay blue at b two now",
    "guten Morgen, heute regnet es",
    "je ne sais pas encore",
    "the meeting was moved to the next day",
    "hasta luego y muchas gracias",
)
# Harmonics of four instruments, and seconds in which a note of theirs dies away.
INSTRUMENTS = (((1, 0.5, 0.25, 0.12), 0.4), ((1, 0, 0.6, 0, 0.3), 1.5), ((1, 0.8, 0.7, 0.6, 0.5), 0.2), ((1, 0.1), 0.8))


def at_level(sound: np.ndarray, level_db: float) -> np.ndarray:
    """The sound at this level, dB of its root mean square re 1.0."""
    return (sound * 10 ** (level_db / 20) / max(float(np.sqrt(np.mean(sound**2))), 1e-9)).astype(np.float32)


def level_db(sound: np.ndarray) -> float:
    """The sound's root mean square, dB re 1.0."""
    return float(10 * np.log10(np.mean(sound**2) + 1e-12))


def dither(n: int, rng: np.random.Generator) -> np.ndarray:
    """What a digital recorder makes of silence: the last bit of 16, at random."""
    return np.round(rng.random(n) + rng.random(n) - 1).astype(np.float32) / 32768


def white_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """As loud as speech."""
    return at_level(rng.standard_normal(n), SPEECH_DB)


def room_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """A quiet room: noise that falls by 3 dB an octave, and the mains' hum."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 20 * n / RATE_HZ))
    hum = sum(np.sin(2 * np.pi * hz * np.arange(n) / RATE_HZ) / hz for hz in (50, 100, 150))
    return at_level(at_level(np.fft.irfft(spectrum, n), 0) + at_level(hum, -6), ROOM_DB)


def tone(n: int, rng: np.random.Generator) -> np.ndarray:
    """One pure tone, as loud as speech."""
    return at_level(np.sin(2 * np.pi * rng.uniform(200, 2000) * np.arange(n) / RATE_HZ), SPEECH_DB)


def click(n: int, rng: np.random.Generator) -> np.ndarray:
    """A quiet room in which something clicks once, within 20 ms."""
    sound = room_noise(n, rng)
    at, length = int(rng.uniform(0.3, 0.7) * n), RATE_HZ // 50
    sound[at : at + length] += 0.5 * rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
    return sound


def music(n: int, rng: np.random.Generator) -> np.ndarray:
    """Chords, a tune and drums of 80 to 150 beats a minute, each on an instrument of its own."""
    beat = int(60 / rng.uniform(80, 150) * RATE_HZ)
    root_hz = 110 * 2 ** (rng.integers(12) / 12)
    chords = [root_hz * 2 ** (step / 12) for step in rng.permutation([0, 5, 7, 9])]
    lead, pad = rng.permutation(len(INSTRUMENTS))[:2]
    sound = np.zeros(n + 4 * beat)
    for number, at in enumerate(range(-int(rng.integers(beat)) % beat, n, beat)):
        chord_hz = chords[number // 2 % len(chords)]
        for step in (0, 4, 7):
            _add(sound, at, 0.5 * _note(chord_hz * 2 ** (step / 12), 2 * beat, pad))
        for half in (0, beat // 2):
            _add(sound, at + half, _note(chord_hz * 2 ** (int(rng.choice([12, 14, 16, 19])) / 12), beat // 2, lead))
            _add(sound, at + half, 0.4 * _drum(RATE_HZ // 20, rng))
        _add(sound, at, 2 * np.sin(2 * np.pi * 60 * np.arange(beat) / RATE_HZ) * np.exp(-np.arange(beat) / 4000))
    return at_level(sound[:n], SPEECH_DB)


def _note(hz: float, n: int, instrument: int) -> np.ndarray:
    harmonics, dies_s = INSTRUMENTS[instrument]
    time_s = np.arange(n) / RATE_HZ
    tones = sum(share * np.sin(2 * np.pi * hz * (at + 1) * time_s) for at, share in enumerate(harmonics))
    return tones * np.exp(-time_s / dies_s) * np.minimum(1, time_s / 0.005)


def _drum(n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(n) * np.exp(-np.arange(n) / (n / 4))


def _add(sound: np.ndarray, at: int, piece: np.ndarray) -> None:
    sound[at : at + len(piece)] += piece[: max(0, len(sound) - at)]


def synthetic_voice(n: int, rng: np.random.Generator) -> np.ndarray:
    """eSpeak NG in one of ten voices, from a tenth of a second on."""
    said = _said(int(rng.integers(len(TEXTS))), int(rng.integers(len(VOICES))))
    sound = np.zeros(n)
    _add(sound, RATE_HZ // 10, said)
    return at_level(sound, SPEECH_DB)


@functools.cache
def _said(text: int, voice: int) -> np.ndarray:
    speech = say(TEXTS[text], Voice(VOICES[voice], 150 + 10 * (voice % 3), 40 + 5 * (voice % 4)))
    places = np.arange(0, len(speech.samples), speech.rate_hz / RATE_HZ)
    return np.interp(places, np.arange(len(speech.samples)), speech.samples / 32768)


def mixed(speech: np.ndarray, other: np.ndarray, below_db: float) -> np.ndarray:
    """Speech and something else that is so much quieter."""
    sound: np.ndarray = np.clip(speech + at_level(other, level_db(speech) - below_db), -1, 1)
    return sound


def late(sound: np.ndarray, seconds: float) -> np.ndarray:
    """Sound that begins later; silence before it."""
    return np.pad(sound, (round(seconds * RATE_HZ), 0))[: len(sound)]


def halves(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The first half of one sound, the second half of another."""
    return np.concatenate([first[: len(first) // 2], second[len(first) // 2 : len(first)]])


def one_word(sound: np.ndarray) -> np.ndarray:
    """Its loudest 0.4 seconds, silence before and behind."""
    length = round(0.4 * RATE_HZ)
    energy = np.cumsum(sound.astype(np.float64) ** 2)
    at = int((energy[length:] - energy[:-length]).argmax())
    kept = np.zeros_like(sound)
    kept[at : at + length] = sound[at : at + length]
    return kept
