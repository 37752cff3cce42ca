"""Which clips are flagged: clips damaged on purpose for what they have, real clips not at all."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lipdata.analysis.quality import Flag, find_flags
from lipdata.analysis.report_page import measure_shards
from lipdata.shards import Clip, open_shards, read_ledger
from tests.lipdata.analysis.changed import changed, edit_ledger, with_feature, write_page


def flags_of(folder: Path) -> dict[str, list[Flag]]:
    measured = measure_shards(open_shards(folder), lambda done: None)[0]
    found: dict[str, list[Flag]] = {}
    for flag in find_flags(measured, read_ledger(folder / "ledger.csv")):
        found.setdefault(flag.clip_id, []).append(flag)
    return found


def flat(clip: Clip) -> Clip:
    frames = clip.frames.copy()
    frames[30] = np.clip(frames[30] // 16 + (140, 120, 100), 0, 255)
    return replace(clip, frames=frames)


def grey(clip: Clip) -> Clip:
    frames = clip.frames.copy()
    frames[40:] = frames[40:].mean(-1, keepdims=True).astype(np.uint8)
    return replace(clip, frames=frames)


def lost(clip: Clip) -> Clip:
    return replace(clip, tracked=np.arange(len(clip.tracked)) % 9 > 0)


def cut_off(clip: Clip) -> Clip:
    heard = np.arange(len(clip.mel)) < 25
    return with_feature(clip, mel=np.where(heard[:, None, None], 0, np.full_like(clip.mel, -100)))


def faint(clip: Clip) -> Clip:
    return with_feature(clip, mel=np.maximum(clip.mel - 40, -100))


DAMAGES = {
    flat: {"flat": "1 of 75 frames"},
    grey: {"grey": "35 of 75 frames"},
    lost: {"interpolated": "12 % of 75 frames"},
    cut_off: {"silent": "67 % of 75 frames"},
    faint: {"quiet": ""},
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_clip_is_flagged_for_what_it_has(made: Path, tmp_path: Path, damage: Callable[[Clip], Clip]) -> None:
    victim = open_shards(made)[0].clips[-1].clip_id
    folder = changed(made, tmp_path / "shards", lambda clip: damage(clip) if clip.clip_id == victim else clip)
    found = flags_of(folder)
    assert list(found) == [victim]
    assert [flag.rule for flag in found[victim]] == list(DAMAGES[damage])
    assert found[victim][0].shown.startswith(*DAMAGES[damage].values())
    assert write_page(folder, tmp_path / "report.html") == (1, 1)


def test_what_the_ledger_says_is_flagged(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "shards"))
    one, other, late, _ = [place.clip_id for place in open_shards(made)[0].clips]
    for place in open_shards(made)[0].clips:
        edit_ledger(folder, place.clip_id, av_offset_s=0.5)
    assert flags_of(folder) == {}, "all alike: none is odd"
    edit_ledger(folder, one, reason="decoder complained 13 times")
    edit_ledger(folder, other, av_offset_s=0.41)
    edit_ledger(folder, late, av_offset_s=0.7)
    found = flags_of(folder)
    assert {clip_id: [(flag.rule, flag.shown) for flag in raised] for clip_id, raised in found.items()} == {
        one: [("damage", "decoder complained 13 times")],
        late: [("offset", "+0.700 s; median +0.500 s")],
    }


@pytest.mark.slow
def test_a_silent_clip_and_one_that_is_no_number(made: Path, tmp_path: Path) -> None:
    for value, shown in ((-100, "loudest band -100 dB"), (np.nan, "loudest band nan dB")):
        folder = changed(
            made, tmp_path / f"{value}", lambda clip, value=value: with_feature(clip, mel=np.full_like(clip.mel, value))
        )
        quiet = {
            clip_id: [f.shown for f in raised if f.rule == "quiet"] for clip_id, raised in flags_of(folder).items()
        }
        assert list(quiet.values()) == 4 * [[shown]]
        assert write_page(folder, tmp_path / f"{value}.html") == (4, 1)


def test_real_clips_are_not_flagged(grid_shards: Path) -> None:
    assert flags_of(grid_shards) == {}
