"""A trained generator, a picture and speech of any length -> video of that mouth, or of the whole face.

Gives frames one by one, so that memory does not grow with the speech, and MP4 files.
"""

from lipmodel.inference.compare_clip import write_comparison
from lipmodel.inference.generation import write_video
from lipmodel.inference.model import Model, load
from lipmodel.inference.synthesis import chosen_checkpoint, load_generator, synthesise_windows
from lipmodel.inference.video import Video

__all__ = [
    "Model",
    "Video",
    "chosen_checkpoint",
    "load",
    "load_generator",
    "synthesise_windows",
    "write_comparison",
    "write_video",
]
