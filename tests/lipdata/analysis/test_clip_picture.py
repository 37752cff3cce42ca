"""``lipdata show``: the picture of a clip holds its mouths as they are in the shard."""

from pathlib import Path

import cv2
import numpy as np

import lipdata as api
from tests.lipdata.command_line import lipdata_here, require_one_line


def test_show_draws_what_is_in_the_shard(made: Path, tmp_path: Path) -> None:
    clip = next(iter(api.open(made).values()))
    assert lipdata_here("show", made, clip.clip_id, "-o", tmp_path / "p.png").returncode == 0
    picture = cv2.imread(str(tmp_path / "p.png"))[:, :, ::-1]
    assert picture.shape[1] > 25 * 64
    first_row = np.concatenate(list(clip.frames[:25]), axis=1)
    places = cv2.matchTemplate(np.ascontiguousarray(picture), first_row, cv2.TM_SQDIFF)
    x, y = cv2.minMaxLoc(places)[2]  # the best place; its value is rounded by a Fourier transform
    np.testing.assert_array_equal(picture[y : y + first_row.shape[0], x : x + first_row.shape[1]], first_row)


def test_nothing_is_overwritten_unasked_and_no_other_clip_drawn(made: Path, tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_text("mine")
    require_one_line(lipdata_here("show", made, "s1/none", "-o", picture), "p.png is there already")
    assert picture.read_text() == "mine"
    require_one_line(
        lipdata_here("show", made, "s1/none", "-o", tmp_path / "q.png"), "has no clip 's1/none'; it has t1/"
    )
