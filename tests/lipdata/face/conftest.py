from pathlib import Path

import numpy as np
import pytest

from lipdata.media import decode_clip


@pytest.fixture(scope="session")
def speech(sample: Path) -> np.ndarray:
    """The frames of a synthetic clip: a face that sways a little and speaks [shape=(75, 288, 360, 3)]. Not to be
    changed.
    """
    return decode_clip(next(sample.glob("t1/*.mpg")), fps=25, sample_rate_hz=44100).frames
