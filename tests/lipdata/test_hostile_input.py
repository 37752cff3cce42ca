"""Damaged and odd files: each ends as ok with right data or failed with stage and reason; its neighbours stay."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lipdata.config import Pipeline
from lipdata.corpus.manifest import ManifestRow
from lipdata.corpus.source import locate
from lipdata.errors import ClipError
from lipdata.face.dlib_detector import DlibDetector
from lipdata.ingestion.clip_pipeline import process_clip
from tests.lipdata.hostile import judge
from tests.lipdata.hostile.case import MP4, MPEG, Case, Good, ffmpeg, prepare
from tests.lipdata.hostile.damaged import cut_off, flip, zero
from tests.lipdata.hostile.run import Ended, cases, ingested

# One file of each kind, or two; `python -m benchmarks.hostile GRID` goes through all of them.
FEW = (
    *("cut8.mpg", "cut29.mkv", "cut4.mp4", "bytes1.mpg", "bytes7.mp4", "zeros10.mpg", "zeros13.ts", "whole.mp4"),
    *("mp4.mpg", "text.mpg", "picture.mpg", "zip.mpg", "folder.mpg", "new\nline.mpg", "唇😀.mpg", "-i.mpg", "mute.mp4"),
    *("blind.mp3", "cover.mp3", "cover.mp4", "two-sounds.mkv", "frames1.mkv", "frames15.mkv", "frames16.mkv"),
    *("fps10.mkv", "fps30.mp4", "fps50.mkv", "jitter1.mkv", "hole.mkv", "runs-over.ts", "twice.mpg", "size.mpg"),
    *(
        "rate.mpg",
        "mono.mpg",
        "size719.mkv",
        "pad361.mkv",
        "size40.mkv",
        "sar720x288.mkv",
        "pal.mp4",
        "turned90.mp4",
        "gray.mkv",
    ),
    *("interlaced.mpg", "corner.mp4", "gone10-5.mkv", "gone10-6.mkv", "left.mkv", "right-larger.mkv", "vflip.mkv"),
    *("rate8000.mkv", "5-1.mkv", "libopus.mkv", "sound-0.5.mp4", "sound+0.5.mkv"),
)
CASES = {case.name: case for case in cases()}


@pytest.fixture(scope="module")
def good(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Good:
    """A GRID clip where there are some, else one of the sample."""
    try:
        grid = request.getfixturevalue("grid")
        whole, other = grid / "s1" / "bbaf2n.mpg", grid / "s31" / "bgiq6p.mpg"
    except pytest.skip.Exception:
        sample = request.getfixturevalue("sample")
        whole, other = (next((sample / speaker).glob("*.mpg")) for speaker in ("s1", "s2"))
    return prepare(whole, other, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def ended(good: Good, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return ingested(good, [CASES[name] for name in FEW], tmp_path_factory.mktemp("hostile"))


def test_there_are_three_hundred_and_more() -> None:
    assert len(CASES) == len(cases()) >= 300
    assert {CASES[name].kind for name in FEW} == {case.kind for case in cases()}


@pytest.mark.parametrize("case", [CASES[name] for name in FEW], ids=FEW)
def test_each_ends_right(ended: Ended, case: Case) -> None:
    assert ended.wrong(case) == ""


def test_no_neighbour_changes(ended: Ended, good: Good, tmp_path: Path) -> None:
    alone = ingested(good, [], tmp_path)
    undamaged = [path for path in ended.entries if path not in CASES]
    assert len(undamaged) == 2 * -(-len(FEW) // 6)
    for path in undamaged:
        assert judge.equal(ended.clips[path], alone.clips[f"0-{path.split('-')[1]}"]) == "", path


def test_damage_is_told(ended: Ended) -> None:
    for name in ("cut8.mpg", "cut29.mkv", "bytes1.mpg", "zeros10.mpg", "zeros13.ts"):
        assert ended.entries[name].reason.startswith("decoder complained"), name


CHANGE = some.tuples(some.sampled_from([cut_off, flip, zero]), some.integers(0, 2**32))


@pytest.fixture(scope="module")
def contents(good: Good, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The short clip in three containers: small enough for damage to meet what matters."""
    folder = tmp_path_factory.mktemp("contents")
    for suffix, coding in (("mpg", MPEG), ("mp4", (*MP4, "-movflags", "faststart")), ("mkv", MP4)):
        ffmpeg("-i", good.short, *coding, folder / f"a.{suffix}")
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(suffix=some.sampled_from([".mpg", ".mp4", ".mkv"]), changes=some.lists(CHANGE, min_size=1, max_size=3))
def test_whatever_the_bytes_a_clip_is_whole_or_fails(
    contents: dict[str, bytes], finder: DlibDetector, setup: Pipeline, tmp_path: Path, suffix: str, changes: list
) -> None:
    content = bytearray(contents[suffix])
    for change, seed in changes:
        if len(content) > 1000:
            change(content, Random(seed))
    row = ManifestRow("s/a", "s", "", f"a{suffix}")
    (tmp_path / row.path).write_bytes(content)
    try:
        clip = process_clip(row, locate(row, tmp_path), finder, setup).data
    except ClipError as error:
        assert error.stage in ("media", "lips") and error.reason and "\n" not in error.reason
        return
    n_frames = len(clip.frames)
    assert n_frames >= 16 and clip.mel.shape == (n_frames, 4, 128) and clip.flow.shape == (n_frames, 64, 64, 2)
    assert all(np.isfinite(array).all() for array in (clip.mel, clip.flow, clip.landmarks, clip.box))
