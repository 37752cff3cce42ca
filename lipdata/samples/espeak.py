"""Speech with the time of every sound in it, from eSpeak NG of the package ``espeakng_loader``.

eSpeak keeps state from one sentence to the next that a new ``espeak_Initialize`` does not clear: the same
text gives other samples the second time. And the noise in its breathy voices is seeded with the time of day.
So every sentence is said by a fresh process, ``python -m lipdata.samples.espeak``, with a seed of our own.
"""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipdata.errors import LipdataError

# From eSpeak NG's public header, speak_lib.h (1.52).
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_PHONEME_EVENTS = 0x0001
_CHARS_UTF8, _PHONEME_BRACKETS = 0x0001, 0x0100
_POS_CHARACTER = 1
_RATE, _PITCH = 1, 3
_SEED = 1
_EVENT_LIST_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7


@dataclass(frozen=True)
class Voice:
    """How somebody speaks.

    Attributes:
        name: eSpeak voice, with a variant after a plus sign (``en+f2``).
        rate_wpm: words per minute, 80 to 450.
        pitch: 0 to 100, eSpeak's own scale; 50 is the variant's normal pitch.
    """

    name: str
    rate_wpm: int
    pitch: int


@dataclass(frozen=True)
class Sound:
    """One phoneme: from when (s) to when (s), and its eSpeak mnemonic without stress marks (``aI``)."""

    start_s: float
    end_s: float
    name: str


@dataclass(frozen=True)
class Speech:
    """A spoken text.

    Attributes:
        samples: int16, shape (n,).
        rate_hz: 22050 with the voices used here.
        sounds: in order, without gaps from the first to the end; pauses begin with ``_``.
        word_starts_s: one time for each word of the text.
        end_s: where the last word ends.
    """

    samples: NDArray[np.int16]
    rate_hz: int
    sounds: tuple[Sound, ...]
    word_starts_s: tuple[float, ...]
    end_s: float


def say(text: str, voice: Voice) -> Speech:
    """Speak ``text``, in which ``[['eI]]`` may give phonemes in eSpeak's own letters.

    Raises:
        LipdataError: the package is missing, or eSpeak refused the voice or the text.
    """
    wanted = [voice.name, str(voice.rate_wpm), str(voice.pitch), text]
    # The child must find the same lipdata and the same packages as this process does.
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "lipdata.samples.espeak", *wanted]
    done = subprocess.run(command, env=path, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise LipdataError(
            f"eSpeak NG could not say '{text}' as {voice.name}: {said[0]}; "
            "run pip install 'lipdata[demo]' and try again"
        )
    head, _, pcm = done.stdout.partition(b"\n")
    return _speech(json.loads(head), np.frombuffer(pcm, np.int16))


def _speech(head: dict[str, Any], samples: NDArray[np.int16]) -> Speech:
    starts = [(ms / 1000, name.strip("',")) for ms, name in head["phonemes"]]
    total_s = len(samples) / head["rate_hz"]
    ends = [start for start, _ in starts[1:]] + [total_s]
    sounds = tuple(Sound(start, end, name) for (start, name), end in zip(starts, ends, strict=True))
    voiced_ends = [sound.end_s for sound in sounds if not sound.name.startswith("_")]
    words = tuple(ms / 1000 for ms in head["words"])
    return Speech(samples, head["rate_hz"], sounds, words, max(voiced_ends, default=total_s))


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def _events(first: Any) -> Iterator[Any]:
    place = 0
    while first[place].type != _EVENT_LIST_END:
        yield first[place]
        place += 1


def _speak(name: str, rate_wpm: int, pitch: int, text: str) -> tuple[dict[str, Any], bytes]:
    """The sentence in this process: what happened when (ms), and the samples (int16, native order)."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate_hz = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, _INITIALIZE_PHONEME_EVENTS)
    head: dict[str, Any] = {"rate_hz": rate_hz, "phonemes": [], "words": []}
    pcm: list[bytes] = []

    def gather(samples: Any, n_samples: int, events: Any) -> int:
        if samples and n_samples:
            pcm.append(ctypes.string_at(samples, 2 * n_samples))
        for event in _events(events):
            if event.type == _EVENT_WORD:
                head["words"].append(event.audio_position)
            if event.type == _EVENT_PHONEME:
                head["phonemes"].append((event.audio_position, event.id.string.decode()))
        return 0

    library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
    callback = _Callback(gather)  # kept by this name while the library holds its address
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(name.encode()):
        raise SystemExit(f"no voice {name}")
    library.espeak_SetParameter(_RATE, rate_wpm, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    words, flags = text.encode(), _CHARS_UTF8 | _PHONEME_BRACKETS
    size = ctypes.c_size_t(len(words) + 1)
    if library.espeak_Synth(words, size, 0, _POS_CHARACTER, 0, flags, None, None):
        raise SystemExit("synthesis failed")
    return head, b"".join(pcm)


def _main(name: str, rate_wpm: str, pitch: str, text: str) -> None:
    head, pcm = _speak(name, int(rate_wpm), int(pitch), text)
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + pcm)


if __name__ == "__main__":
    _main(*sys.argv[1:])
