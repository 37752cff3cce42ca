"""A trained run, loaded: a picture and speech of any length -> video of that mouth, or of the whole face."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import gcd
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly
from torch import nn

from lipdata.config import Pipeline
from lipdata.errors import ClipError, LipdataError
from lipdata.features import log_mel
from lipdata.media import decode_sound
from lipmodel.config import Run, load_run
from lipmodel.inference.compose import paste_mouths, to_video_size
from lipmodel.inference.face_image import MouthImage, find_mouth_image, read_mouth_image
from lipmodel.inference.synthesis import chosen_checkpoint, load_generator, synthesise
from lipmodel.inference.video import Video
from lipmodel.inference.video_writer import ENLARGED
from lipmodel.training import SYNC

# A picture: its file, or uint8 RGB (H, W, 3). Speech: its file, or float32 mono, -1 to 1.
Image = Path | str | np.ndarray
Audio = Path | str | np.ndarray


@dataclass(frozen=True, repr=False)
class Speaking:
    """A video to be, frame by frame: memory does not grow with the speech.

    Attributes:
        frames: uint8 RGB, one by one [shape=(H, W, 3)].
        sound: float32 mono [shape=(n,)].
        enlarged: see :class:`Video`.
        origin: where the mouth was found, for people.
    """

    frames: Iterator[np.ndarray]
    sound: np.ndarray
    enlarged: int
    origin: str


@dataclass(frozen=True, repr=False)
class Model:
    """A run's generator, ready to generate.

    Attributes:
        folder: of the run.
        checkpoint, step: the weights' file, and after how many steps it was written.
    """

    folder: Path
    run: Run
    checkpoint: Path
    step: int
    generator: nn.Module

    def __repr__(self) -> str:
        return f"Model({str(self.folder)!r}, variant {self.run.variant}, preset {self.run.preset}, step {self.step})"

    def generate(self, image: Image, audio: Audio, *, face: bool = False, sample_rate_hz: int | None = None) -> Video:
        """Make the mouth in a picture say a speech.

        Args:
            image: a photo with a face, or a square mouth crop of at most 128 px: a file, or
                uint8 RGB [shape=(H, W, 3)].
            audio: speech of any length: a file with sound, or float32 mono, -1 to 1 [shape=(n,)].
            face: put the lips back into the photo; the video is then as large as the photo.
            sample_rate_hz: of ``audio`` where it is an array.

        Raises:
            LipdataError: no picture or no mouth in it, no face to put the lips back into, or no sound.
        """
        speaking = self.speaking(image, audio, face=face, sample_rate_hz=sample_rate_hz)
        fps, rate_hz = self.run.pipeline.video.fps, self.run.pipeline.mel.sample_rate_hz
        return Video(np.stack(list(speaking.frames)), fps, speaking.sound, rate_hz, speaking.enlarged)

    def speaking(
        self, image: Image, audio: Audio, *, face: bool = False, sample_rate_hz: int | None = None
    ) -> Speaking:
        """As ``generate``, one frame at a time."""
        pipeline = self.run.pipeline
        mouth = (
            find_mouth_image(image, pipeline) if isinstance(image, np.ndarray) else read_mouth_image(image, pipeline)
        )
        sound = _speech(audio, sample_rate_hz, pipeline)
        fps, rate_hz = pipeline.video.fps, pipeline.mel.sample_rate_hz
        n_frames = round(fps * len(sound) / rate_hz)
        if not n_frames:
            name = "the audio" if isinstance(audio, np.ndarray) else audio
            raise LipdataError(
                f"{name} has {len(sound) / rate_hz:.3f} s of sound; allowed: {1 / fps} s (a frame) or more"
            )
        frames = synthesise(self.generator, mouth.crop, partial(_mel_of, sound, pipeline), n_frames, self.run)
        if face:
            photo, box = to_video_size(mouth.image, _required_box(mouth, image))
            frames = paste_mouths(photo, box, mouth.crop, frames)
        return Speaking(frames, sound, 1 if face else ENLARGED, mouth.origin)


def load(run: Path | str | None = None, *, best: bool = False) -> Model:
    """Load a run folder that ``fit`` has made.

    Args:
        run: the folder.
        best: take the checkpoint with the lowest validation loss in place of the newest.

    Raises:
        LipdataError: no run folder, no checkpoint in it, one that does not fit, or a variant that makes no video.
    """
    if run is None:
        raise LipdataError(
            "no weights that make a video come with lipmodel yet; give a run folder, which lipmodel fit SHARDS makes"
        )
    folder = Path(run)
    config = load_run(folder)
    if config.variant == SYNC:
        raise LipdataError(
            f"{folder} is of variant {SYNC}, which makes no video; ask it with: lipmodel sync SHARDS --run {folder}"
        )
    checkpoint, step = chosen_checkpoint(folder, config, best=best)
    return Model(folder, config, checkpoint, step, load_generator(checkpoint, config))


def _required_box(mouth: MouthImage, image: Image) -> np.ndarray:
    if mouth.box is None:
        name = "the image" if isinstance(image, np.ndarray) else image
        raise LipdataError(f"{name}: no face in it to put the lips into; give a photo with one, or leave out --face")
    return mouth.box


def _speech(audio: Audio, sample_rate_hz: int | None, pipeline: Pipeline) -> np.ndarray:
    """float32 mono at the pipeline's rate [shape=(n,)]."""
    wanted_hz = pipeline.mel.sample_rate_hz
    if not isinstance(audio, np.ndarray | Path | str):
        raise LipdataError(
            f"audio is a {type(audio).__name__}; allowed: a path, or a numpy array with its sample_rate_hz"
        )
    if not isinstance(audio, np.ndarray):
        try:
            return decode_sound(Path(audio), wanted_hz)
        except ClipError as error:
            raise LipdataError(f"{audio}: {error.reason}; give a file with speech in it") from error
    known = isinstance(sample_rate_hz, int) and sample_rate_hz > 0
    if audio.ndim != 1 or audio.dtype.kind != "f" or not known or sample_rate_hz is None:
        got = f"audio is {audio.dtype} {audio.shape} at {sample_rate_hz} Hz"
        raise LipdataError(f"{got}; allowed: float, (n,), with sample_rate_hz, a whole number")
    common = gcd(wanted_hz, sample_rate_hz)
    sound = resample_poly(np.nan_to_num(audio), wanted_hz // common, sample_rate_hz // common)
    return np.clip(sound, -1, 1).astype(np.float32)


def _mel_of(sound: np.ndarray, pipeline: Pipeline, first: int, end: int) -> np.ndarray:
    """Log-mel of frames ``first`` up to, not including, ``end``."""
    mel, fps = pipeline.mel, pipeline.video.fps
    samples = mel.sample_rate_hz // fps
    return log_mel(sound[first * samples : end * samples], end - first, mel, fps)
