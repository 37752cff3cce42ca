"""Log-mel of speech, one piece of sound a video frame: librosa's numbers, without loading librosa.

Its first call costs a process 1.8 s and 200 MB, a worker's start, for numba and SciPy, which none of this needs.
"""

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lipdata.config import MelConfig

# Power below which a band counts as silent: -100 dB.
LEAST_POWER = np.float32(1e-10)
# Slaney's mel scale (Auditory Toolbox, 1998): even steps up to 1 kHz, from there on steps of an even ratio.
LINEAR_HZ = 200 / 3
BREAK_HZ = 1000.0
BREAK_MEL = BREAK_HZ / LINEAR_HZ
LOG_STEP = np.log(6.4) / 27


def log_mel(sound: np.ndarray, n_frames: int, mel: MelConfig, fps: int) -> np.ndarray:
    """Log-mel of the sound of each video frame, cut by time stamp: frame i owns samples i / fps to (i + 1) / fps.

    Each piece is transformed on its own (paper, section 5.1 and the authors' code: no single STFT of 0.64 s at hop 512
    gives 64 rows). With 1764 samples and hop 512 a piece gives 4 columns; 16 frames stack to 64 x 128.

    Args:
        sound: mono, -1 to 1 [shape=(n,)]; what is missing at its end is silence.

    Returns:
        dB re 1.0, float32, -100 where it is silent [shape=(n_frames, columns, n_mels)].
    """
    piece = mel.sample_rate_hz // fps
    sound = np.pad(sound[: n_frames * piece], (0, max(0, n_frames * piece - len(sound)))).astype(np.float32)
    # Columns are centred on multiples of the hop; before and behind a piece lies silence.
    half = mel.n_fft // 2
    padded = np.pad(sound.reshape(n_frames, piece), ((0, 0), (half, half)))
    spans = sliding_window_view(padded, mel.n_fft, axis=1)[:, :: mel.hop]  # frames, columns, n_fft
    power = np.abs(np.fft.rfft(spans * _hann(mel.n_fft)).astype(np.complex64)) ** 2
    bands = power.reshape(-1, power.shape[-1]) @ _filters(mel).T
    # No floor of 80 dB below the loudest, as is usual: it would make a frame depend on its neighbours.
    decibel: np.ndarray = 10 * np.log10(np.maximum(LEAST_POWER, bands))
    return decibel.reshape(n_frames, -1, mel.n_mels)


@functools.cache
def _hann(length: int) -> np.ndarray:
    return 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, length + 1))[:-1]


@functools.cache
def _filters(mel: MelConfig) -> np.ndarray:
    """Triangles of equal area over overlapping bands, float32 [shape=(n_mels, n_fft // 2 + 1)]."""
    edges_hz = _edges_hz(mel.n_mels, mel.fmax_hz)
    above = edges_hz[:, None] - np.fft.rfftfreq(mel.n_fft, 1 / mel.sample_rate_hz)  # n_mels + 2, bins
    width = np.diff(edges_hz)[:, None]
    triangles = np.maximum(0, np.minimum(-above[:-2] / width[:-1], above[2:] / width[1:])).astype(np.float32)
    return (triangles * (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype(np.float32)


def _edges_hz(n_mels: int, fmax_hz: float) -> np.ndarray:
    """Where the bands begin, peak and end: band i at edges i, i + 1 and i + 2 [shape=(n_mels + 2,)]."""
    top = fmax_hz / LINEAR_HZ if fmax_hz < BREAK_HZ else BREAK_MEL + np.log(fmax_hz / BREAK_HZ) / LOG_STEP
    mels = np.linspace(0, top, n_mels + 2)
    return np.where(mels < BREAK_MEL, LINEAR_HZ * mels, BREAK_HZ * np.exp(LOG_STEP * (mels - BREAK_MEL)))
