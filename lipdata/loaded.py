"""What workers need, loaded once: their fork server imports this (see ``forked``)."""

import contextlib

from lipdata import worker  # noqa: F401 - its imports are what takes long
from lipdata.errors import LipdataError
from lipdata.faces import loaded_finder, predictor_path

# What is wrong with the predictor the first worker tells: nobody would hear it here.
with contextlib.suppress(LipdataError):
    loaded_finder(predictor_path())
