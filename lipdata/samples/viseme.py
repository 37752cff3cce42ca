"""What the mouth does while sounds are spoken: two smooth signals, made from the times of the phonemes.

The lips run ahead of the sound, glide from one shape to the next, and shut wholly for b, p and m, however
short these are. The vocabulary is GRID's; a phoneme not in the table gets a mouth slightly open.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipdata.samples.espeak import Sound

Shape = tuple[float, float]  # opening 0 (lips together) to 1 (widest), spread -1 (round) to 1 (wide)

_CLOSED: Shape = (0.0, 0.0)
_UNKNOWN: Shape = (0.3, 0.0)
_BILABIALS = frozenset("bpm")

# One shape for a steady sound, two for a diphthong; the names are eSpeak NG's.
_SHAPES: dict[str, tuple[Shape, ...]] = {
    "a": ((0.85, 0.25),),
    "A@": ((1.0, 0.0),),
    "0": ((0.8, -0.35),),
    "E": ((0.7, 0.4),),
    "I": ((0.42, 0.5),),
    "i:": ((0.35, 1.0),),
    "u:": ((0.28, -1.0),),
    "@": ((0.38, 0.0),),
    "a#": ((0.42, 0.0),),
    "o@": ((0.6, -0.8),),
    "aI": ((1.0, 0.1), (0.4, 0.7)),
    "aU": ((1.0, 0.0), (0.3, -0.9)),
    "eI": ((0.65, 0.5), (0.38, 0.8)),
    "oU": ((0.6, -0.6), (0.25, -1.0)),
    "i@": ((0.35, 0.8), (0.42, 0.1)),
    "w": ((0.2, -1.0),),
    "r": ((0.28, -0.5),),
    "r-": ((0.28, -0.5),),
    "j": ((0.28, 0.5),),
    ";": ((0.3, 0.6),),
    "l": ((0.38, 0.1),),
    "t": ((0.22, 0.25),),
    "d": ((0.22, 0.25),),
    "n": ((0.24, 0.25),),
    "s": ((0.17, 0.4),),
    "z": ((0.17, 0.4),),
    "T": ((0.24, 0.1),),
    "D": ((0.24, 0.1),),
    "tS": ((0.22, -0.5),),
    "dZ": ((0.22, -0.5),),
    "k": ((0.32, 0.1),),
    "g": ((0.32, 0.1),),
    "f": ((0.1, 0.1),),
    "v": ((0.1, 0.1),),
    "b": (_CLOSED,),
    "p": (_CLOSED,),
    "m": (_CLOSED,),
}

_STEP_S = 0.005
_LEAD_S = 0.04  # lips are on their way before the sound is heard
_GLIDE_S = 0.035  # standard deviation of the smoothing
_PLOSIVE_S = 0.07  # b and p are heard at the release; the lips have met this long before
_PART_S = 0.05  # the time the lips take to meet and to part


@dataclass(frozen=True)
class MouthTrack:
    """The mouth at every frame.

    Attributes:
        opening: shape (n,), 0 (lips together) to 1.
        spread: shape (n,), -1 (narrow and round) to 1 (drawn wide); 0 at rest.
    """

    opening: NDArray[np.float64]
    spread: NDArray[np.float64]


def mouth_track(sounds: tuple[Sound, ...], lead_s: float, n_frames: int, fps: float) -> MouthTrack:
    """The mouth of somebody who starts to say ``sounds`` at ``lead_s``, at the middle of each frame."""
    # Margins of one second, so that smoothing meets silence on both sides.
    time_s = np.arange(-1.0, n_frames / fps + 1.0, _STEP_S)
    heard_s = time_s - lead_s
    shape = _glide(_steps(sounds, heard_s + _LEAD_S))  # T, 2
    opening = shape[:, 0] * (1.0 - _closure(sounds, heard_s))
    frame_s = (np.arange(n_frames) + 0.5) / fps
    return MouthTrack(np.interp(frame_s, time_s, opening), np.interp(frame_s, time_s, shape[:, 1]))


def _steps(sounds: tuple[Sound, ...], heard_s: NDArray[np.float64]) -> NDArray[np.float64]:
    shape = np.zeros((len(heard_s), 2))  # T, 2
    for sound in sounds:
        parts = (_CLOSED,) if sound.name.startswith("_") else _SHAPES.get(sound.name, (_UNKNOWN,))
        edges = np.linspace(sound.start_s, sound.end_s, len(parts) + 1)
        for part, start_s, end_s in zip(parts, edges[:-1], edges[1:], strict=True):
            shape[(heard_s >= start_s) & (heard_s < end_s)] = part
    return shape


def _glide(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    reach = int(4 * _GLIDE_S / _STEP_S)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * _STEP_S / _GLIDE_S) ** 2)
    kernel /= kernel.sum()
    return np.stack([np.convolve(column, kernel, mode="same") for column in shape.T], axis=1)  # T, 2


def _closures(sounds: tuple[Sound, ...]) -> Iterator[tuple[float, float]]:
    """From when to when (s) the lips must touch."""
    for sound in sounds:
        if sound.name in _BILABIALS:
            hummed = sound.name == "m"
            yield (sound.start_s, sound.end_s) if hummed else (sound.start_s - _PLOSIVE_S, sound.start_s)


def _closure(sounds: tuple[Sound, ...], heard_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 while the lips must touch, 0 away from that, smooth between; shape (T,)."""
    closed = np.zeros(len(heard_s))
    for start_s, end_s in _closures(sounds):
        away_s = np.maximum(start_s - heard_s, heard_s - end_s).clip(0.0, _PART_S)
        closed = np.maximum(closed, 0.5 + 0.5 * np.cos(np.pi * away_s / _PART_S))
    return closed
