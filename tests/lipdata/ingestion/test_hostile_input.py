"""Damaged and odd files: each ends as ok with right data or failed with stage and reason; its neighbours stay."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lipdata.config import Pipeline
from lipdata.corpus import ManifestRow, locate
from lipdata.errors import ClipError
from lipdata.face import open_detector
from lipdata.ingestion import process_clip
from tests.lipdata.hostile import judge
from tests.lipdata.hostile.case import MP4, MPEG, Case, Good, ffmpeg, prepare
from tests.lipdata.hostile.damaged import cut_off, flip, zero
from tests.lipdata.hostile.run import CLIPS, Ended, cases, ingested

# Two shards: a file of the kinds that differ most. The slow tests take one of each kind, or two, and
# `python -m benchmarks.hostile GRID` goes through all of them.
FAST = (
    *("cut8.mpg", "bytes1.mpg", "zeros13.ts", "mp4.mpg", "text.mpg", "folder.mpg"),
    *("new\nline.mpg", "mute.mp4", "fps30.mp4", "sar720x288.mkv", "turned90.mp4", "sound-0.5.mp4"),
)
SLOW = (
    *("cut29.mkv", "cut4.mp4", "bytes7.mp4", "zeros10.mpg", "whole.mp4"),
    *("picture.mpg", "zip.mpg", "唇😀.mpg", "-i.mpg"),
    *("blind.mp3", "cover.mp3", "cover.mp4", "two-sounds.mkv", "frames1.mkv", "frames15.mkv", "frames16.mkv"),
    *("fps10.mkv", "fps50.mkv", "jitter1.mkv", "hole.mkv", "runs-over.ts", "twice.mpg", "size.mpg"),
    *("rate.mpg", "mono.mpg", "size719.mkv", "pad361.mkv", "size40.mkv", "pal.mp4", "gray.mkv"),
    *("interlaced.mpg", "corner.mp4", "gone10-5.mkv", "gone10-6.mkv", "left.mkv", "right-larger.mkv", "vflip.mkv"),
    *("rate8000.mkv", "5-1.mkv", "libopus.mkv", "sound+0.5.mkv"),
)
CASES = {case.name: case for case in cases()}
DAMAGED = ("cut8.mpg", "cut29.mkv", "bytes1.mpg", "zeros10.mpg", "zeros13.ts")


@pytest.fixture(scope="module")
def good(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Good:
    return prepare(clips / "s1" / "bbaf2n.mpg", clips / "s26" / "bgbsza.mpg", tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def ended(good: Good, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return ingested(good, [CASES[name] for name in FAST], tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def more_ended(good: Good, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return ingested(good, [CASES[name] for name in SLOW], tmp_path_factory.mktemp("more"))


def test_there_are_three_hundred_and_more_of_all_kinds() -> None:
    assert len(CASES) == len(cases()) >= 300
    assert {CASES[name].kind for name in FAST + SLOW} == {case.kind for case in cases()}


@pytest.mark.parametrize("case", [CASES[name] for name in FAST], ids=FAST)
def test_each_ends_right(ended: Ended, case: Case) -> None:
    assert ended.wrong(case) == ""


@pytest.mark.slow
@pytest.mark.parametrize("case", [CASES[name] for name in SLOW], ids=SLOW)
def test_each_of_many_ends_right(more_ended: Ended, case: Case) -> None:
    assert more_ended.wrong(case) == ""


def test_damage_stands_in_the_ledger(ended: Ended) -> None:
    for name in set(DAMAGED) & set(FAST):
        assert ended.entries[name].reason.startswith("decoder complained"), name


@pytest.mark.slow
def test_no_neighbour_changes(ended: Ended, more_ended: Ended, good: Good, tmp_path: Path) -> None:
    alone = ingested(good, [], tmp_path)
    for run, names in ((ended, FAST), (more_ended, SLOW)):
        undamaged = [path for path in run.entries if path not in CASES]
        assert len(undamaged) == 2 * -(-len(names) // (CLIPS - 2))
        for path in undamaged:
            assert judge.equal(run.clips[path], alone.clips[f"0-{path.split('-')[1]}"]) == "", path
    for name in set(DAMAGED) & set(SLOW):
        assert more_ended.entries[name].reason.startswith("decoder complained"), name


CHANGE = some.tuples(some.sampled_from([cut_off, flip, zero]), some.integers(0, 2**32))


@pytest.fixture(scope="module")
def contents(good: Good, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The short clip in three containers: small enough for damage to meet what matters."""
    folder = tmp_path_factory.mktemp("contents")
    for suffix, coding in (("mpg", MPEG), ("mp4", (*MP4, "-movflags", "faststart")), ("mkv", MP4)):
        ffmpeg("-i", good.short, *coding, folder / f"a.{suffix}")
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(suffix=some.sampled_from([".mpg", ".mp4", ".mkv"]), changes=some.lists(CHANGE, min_size=1, max_size=3))
def test_whatever_the_bytes_a_clip_is_whole_or_fails(
    contents: dict[str, bytes], setup: Pipeline, tmp_path: Path, suffix: str, changes: list
) -> None:
    content = bytearray(contents[suffix])
    for change, seed in changes:
        if len(content) > 1000:
            change(content, Random(seed))
    row = ManifestRow("s/a", "s", "", f"a{suffix}")
    (tmp_path / row.path).write_bytes(content)
    try:
        clip = process_clip(row, locate(row, tmp_path), open_detector(), setup).data
    except ClipError as error:
        assert error.stage in ("media", "lips") and error.reason and "\n" not in error.reason
        return
    n_frames = len(clip.frames)
    assert n_frames >= 16 and clip.mel.shape == (n_frames, 4, 128) and clip.flow.shape == (n_frames, 64, 64, 2)
    assert all(np.isfinite(array).all() for array in (clip.mel, clip.flow, clip.landmarks, clip.box))
