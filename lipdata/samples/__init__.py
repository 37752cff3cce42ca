"""Clips to try everything with: real ones of GRID, and a synthetic corpus (extra ``[demo]``).

Gives folders in GRID's layout. ``photograph`` is the portrait that the synthetic speakers are made of.
"""

from lipdata.samples.demo import write_demo
from lipdata.samples.portrait import photograph
from lipdata.samples.real_clips import grid_clips, write_grid_clips
from lipdata.samples.synthetic_corpus import write_synthetic_corpus

__all__ = ["grid_clips", "photograph", "write_demo", "write_grid_clips", "write_synthetic_corpus"]
