"""PSNR: the true one, and the one that the paper's tables hold."""

import numpy as np


def squared_error(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """Mean squared error of each frame, 0 to 65025, float64 [shape=(T,)].

    Args:
        real, fake: uint8, of one shape [shape=(T, ...)].
    """
    return _frame_means(np.square(real.astype(np.float64) - fake))


def squared_error_uint8(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """``squared_error`` as the authors' code works it out: difference and square wrap at 256.

    An error of 16 grey levels counts as none, and no squared error as more than 255. Good for nothing but to stand
    beside the paper's column.
    """
    return _frame_means(np.square(real - fake))


def decibel(mean_squared_error: np.ndarray) -> np.ndarray:
    """PSNR of mean squared errors of 8-bit values, ``10 log10(255^2 / MSE)``, in dB; infinite where the error is 0.

    The PSNR of a clip is that of its frames' mean error. A mean of the frames' own PSNRs would be infinite as soon as
    one frame is equal to the real one.

    Args:
        mean_squared_error: any shape, a single number too.

    Example:
        >>> decibel(np.array([65025.0, 100.0, 0.0])).round(2)
        array([ 0.  , 28.13, inf])
    """
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255**2 / np.asarray(mean_squared_error, np.float64))


def psnr(real: np.ndarray, fake: np.ndarray) -> float:
    """PSNR in dB over all values of two uint8 arrays of one shape."""
    return float(decibel(squared_error(real, fake).mean()))


def psnr_uint8(real: np.ndarray, fake: np.ndarray) -> float:
    """``psnr`` of the wrapped error: two unrelated random pictures score 27.9 dB, where 7.8 is true."""
    return float(decibel(squared_error_uint8(real, fake).mean()))


def _frame_means(errors: np.ndarray) -> np.ndarray:
    return errors.reshape(len(errors), -1).mean(1)
