"""A trained run, a picture and speech -> an MP4, and what was made in one line."""

from pathlib import Path

from lipdata.errors import LipdataError
from lipmodel.inference.model import Model
from lipmodel.inference.video_writer import require_free, write_mp4


def write_video(model: Model, image: Path, audio: Path, out: Path, *, face: bool = False, overwrite: bool) -> str:
    """Write ``out``, an MP4 of round(fps x duration) frames.

    Args:
        face: put the lips back into the photo; the video is then as large as the photo.

    Returns:
        What was made, in one line.

    Raises:
        LipdataError: ``out`` exists, or as of :meth:`Model.generate`.
    """
    require_free(out, overwrite=overwrite)
    if out.exists() and any(given.exists() and out.samefile(given) for given in (image, audio)):
        raise LipdataError(f"{out} is what the video is made of; choose another name with -o")
    fps, rate_hz = model.run.pipeline.video.fps, model.run.pipeline.mel.sample_rate_hz
    speaking = model.speaking(image, audio, face=face)
    count = write_mp4(out, speaking.frames, speaking.sound, enlarged=speaking.enlarged, fps=fps, sample_rate_hz=rate_hz)
    return f"{out}: {count} frames, {count / fps:g} s, of step {model.step}; {image}: {speaking.origin}"
