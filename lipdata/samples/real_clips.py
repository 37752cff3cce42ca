"""Eight real clips of GRID (CC BY 4.0), which come with lipdata, and their manifest."""

import shutil
from importlib import resources
from pathlib import Path

import cv2

from lipdata.errors import LipdataError
from lipdata.media import decode_clip


def grid_clips() -> Path:
    """The folder of the clips in the installed package, in GRID's layout, with ``manifest.csv``. Not to be changed."""
    return Path(str(resources.files("lipdata.samples") / "grid"))


def write_grid_clips(out: Path) -> list[Path]:
    """Copy the clips, their word times, their manifest and their README with the attribution.

    Beside them ``faces/s1.png``: the first frame of a clip of each speaker, for ``lipmodel generate --image``.

    Args:
        out: a folder that is empty or not there yet.

    Returns:
        The paths of the clips.

    Raises:
        LipdataError: ``out`` is not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LipdataError(f"{out} is not empty; nothing is overwritten: name another folder")
    shutil.copytree(grid_clips(), out, dirs_exist_ok=True, copy_function=shutil.copyfile)
    clips = sorted(out.glob("*/*.mpg"))
    (out / "faces").mkdir()
    for clip in {clip.parent.name: clip for clip in reversed(clips)}.values():
        frame = decode_clip(clip, fps=25, sample_rate_hz=44100).frames[0]
        cv2.imwrite(str(out / "faces" / f"{clip.parent.name}.png"), frame[:, :, ::-1])
    return clips
