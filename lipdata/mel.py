"""Log-mel of speech, one piece of sound a video frame."""

import librosa
import numpy as np

from lipdata.pipeline import Mel


def log_mel(sound: np.ndarray, n_frames: int, mel: Mel, fps: int) -> np.ndarray:
    """Log-mel of the sound of each video frame, cut by time stamp: frame i owns samples i / fps to (i + 1) / fps.

    Each piece is transformed on its own (paper, section 5.1 and the authors' code: no single STFT of 0.64 s at hop 512
    gives 64 rows). With 1764 samples and hop 512 a piece gives 4 columns; 16 frames stack to 64 x 128.

    Args:
        sound: mono, -1 to 1 [shape=(n,)]; what is missing at its end is silence.

    Returns:
        dB re 1.0, float32, -100 where it is silent [shape=(n_frames, columns, n_mels)].
    """
    piece = mel.sample_rate_hz // fps
    sound = np.pad(sound[: n_frames * piece], (0, max(0, n_frames * piece - len(sound))))
    power = librosa.feature.melspectrogram(
        y=sound.reshape(n_frames, piece).astype(np.float32),
        sr=mel.sample_rate_hz,
        n_fft=mel.n_fft,
        hop_length=mel.hop,
        n_mels=mel.n_mels,
        fmax=mel.fmax_hz,
    )  # frames, mels, columns
    # top_db=None: the usual floor of 80 dB below the loudest would make a frame depend on its neighbours.
    return np.ascontiguousarray(librosa.power_to_db(power, ref=1.0, top_db=None).swapaxes(1, 2), np.float32)
