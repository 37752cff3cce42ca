"""A trained run, a picture and speech of any length -> a video of that mouth, or of the whole face, saying it."""

from functools import partial
from pathlib import Path

import numpy as np

from lipdata.errors import ClipError, LipdataError
from lipdata.media import read_sound
from lipdata.mel import log_mel
from lipdata.pipeline import Pipeline
from lipmodel import config
from lipmodel.compose import compose, to_video_size
from lipmodel.mp4 import ENLARGED, require_free, write_mp4
from lipmodel.picture import Mouth, read_mouth
from lipmodel.speak import chosen_checkpoint, load_generator, speak


def generate(
    folder: Path, image: Path, audio: Path, out: Path, *, face: bool = False, best: bool = False, overwrite: bool
) -> str:
    """Write ``out``, an MP4 of round(fps x duration) frames.

    Args:
        face: put the lips back into the photo; the video is then as large as the photo.
        best: take the checkpoint with the lowest validation loss in place of the newest.

    Returns:
        What was made, in one line.

    Raises:
        LipdataError: ``out`` exists, no trained run, no picture or no mouth in it, no face to put the lips back into,
            or no sound.
    """
    require_free(out, overwrite=overwrite)
    if out.exists() and any(given.exists() and out.samefile(given) for given in (image, audio)):
        raise LipdataError(f"{out} is what the video is made of; choose another name with -o")
    run = config.load(folder)
    path, step = chosen_checkpoint(folder, run, best=best)
    generator = load_generator(path, run)
    mouth = read_mouth(image, run.pipeline)
    sound = _read_speech(audio, run.pipeline)
    fps, rate_hz = run.pipeline.video.fps, run.pipeline.mel.sample_rate_hz
    n_frames = round(fps * len(sound) / rate_hz)
    if not n_frames:
        raise LipdataError(f"{audio} has {len(sound) / rate_hz:.3f} s of sound; allowed: {1 / fps} s (a frame) or more")
    frames = speak(generator, mouth.crop, partial(_mel_of, sound, run.pipeline), n_frames, run)
    if face:
        photo, box = to_video_size(mouth.image, _require_box(mouth, image))
        frames = compose(photo, box, mouth.crop, frames)
    enlarged = 1 if face else ENLARGED
    count = write_mp4(out, frames, sound, enlarged=enlarged, fps=fps, sample_rate_hz=rate_hz)
    return f"{out}: {count} frames, {count / fps:g} s, of step {step}; {image}: {mouth.origin}"


def _require_box(mouth: Mouth, image: Path) -> np.ndarray:
    if mouth.box is None:
        raise LipdataError(f"{image}: no face in it to put the lips into; give a photo with one, or leave out --face")
    return mouth.box


def _read_speech(path: Path, pipeline: Pipeline) -> np.ndarray:
    try:
        return read_sound(path, pipeline.mel.sample_rate_hz)
    except ClipError as error:
        raise LipdataError(f"{path}: {error.reason}; give a file with speech in it") from error


def _mel_of(sound: np.ndarray, pipeline: Pipeline, first: int, end: int) -> np.ndarray:
    """Log-mel of frames ``first`` up to, not including, ``end``."""
    mel, fps = pipeline.mel, pipeline.video.fps
    samples = mel.sample_rate_hz // fps
    return log_mel(sound[first * samples : end * samples], end - first, mel, fps)
