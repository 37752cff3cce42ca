"""Eight real clips of GRID (CC BY 4.0), which come with lipdata, and their manifest."""

import shutil
from importlib import resources
from pathlib import Path

from lipdata.errors import LipdataError


def grid_clips() -> Path:
    """The folder of the clips in the installed package, in GRID's layout, with ``manifest.csv``. Not to be changed."""
    return Path(str(resources.files("lipdata.samples") / "grid"))


def write_grid_clips(out: Path) -> list[Path]:
    """Copy the clips, their word times, their manifest and their README with the attribution.

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
    return sorted(out.glob("*/*.mpg"))
