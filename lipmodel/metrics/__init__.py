"""The metrics of a generated mouth: landmark distance, SSIM, PSNR, CPBD. Plain functions of arrays.

What each number is, down to the rounding, stands in docs/measuring.md.
"""

from lipmodel.metrics.blur_detection import cpbd
from lipmodel.metrics.landmark_distance import OwnFace, TemplateFace, lmd, lmd_template
from lipmodel.metrics.luma import to_luma
from lipmodel.metrics.peak_signal_to_noise import decibel, psnr, psnr_uint8, squared_error, squared_error_uint8
from lipmodel.metrics.structural_similarity import ssim

__all__ = [
    "OwnFace",
    "TemplateFace",
    "cpbd",
    "decibel",
    "lmd",
    "lmd_template",
    "psnr",
    "psnr_uint8",
    "squared_error",
    "squared_error_uint8",
    "ssim",
    "to_luma",
]
