"""What workers need, loaded once: their fork server imports this (see ``process_pool``)."""

import contextlib

from lipdata.errors import LipdataError
from lipdata.face import cached_detector, predictor_path

# An error would be seen by no user here; the first worker raises it again.
with contextlib.suppress(LipdataError):
    cached_detector(predictor_path())
