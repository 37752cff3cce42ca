"""SSIM (Wang et al. 2004) of grey frames."""

import numpy as np
from skimage.metrics import structural_similarity

from lipmodel.metrics.luma import to_luma


def ssim(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """Structural similarity of each frame, -1 to 1, float64 [shape=(T,)].

    scikit-image's, with its default window: uniform, 7 x 7, sample covariance, K1 0.01, K2 0.03. The authors' code
    takes that window on grey pictures too.

    Args:
        real, fake: uint8 RGB [shape=(T, H, W, 3)], H and W 7 or more.
    """
    pairs = zip(to_luma(real), to_luma(fake), strict=True)
    return np.array([structural_similarity(one, other, data_range=255) for one, other in pairs])
