"""The delay between mouth and sound: known delays are found, scipy agrees on a real clip, the rest says why not."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

import lipdata as api
from lipdata.analysis.av_delay import COLUMNS, OFFSETS, R_COLUMNS, delay_table, mean_motion
from lipdata.errors import LipdataError
from lipdata.shards import Clip, open_shards
from tests.lipdata.analysis.changed import with_feature
from tests.lipdata.analysis.moving import damaged, mouth_first, moving_clip


@pytest.fixture(scope="module")
def real(grid_shards: Path) -> Clip:
    return api.open(grid_shards)["s1/bbaf2n"]


def study(folder: Path) -> pd.DataFrame:
    return delay_table(open_shards(folder))


def test_a_mouth_that_moves_k_frames_before_its_sound_is_best_at_offset_k(write_folder: Callable[..., Path]) -> None:
    reports: list[int] = []
    clips = [mouth_first(f"s1/k{k}", k, seed=k) for k in OFFSETS]
    table = delay_table(open_shards(write_folder(clips[5:], clips[:5])), reports.append)
    assert list(table.columns) == COLUMNS
    assert table.clip_id.tolist() == [f"s1/k{k}" for k in OFFSETS]  # sorted over the shards
    assert table.best_offset.tolist() == list(OFFSETS)
    assert (table[R_COLUMNS].max(axis=1) > 0.999).all()  # float16 flow
    assert (table[R_COLUMNS].apply(lambda r: r.nlargest(2).iloc[1], axis=1) < 0.6).all()
    assert (table.fps == 25).all() and (table.n_frames == 75).all() and (table.reason == "").all()
    assert reports == list(range(1, 9))


def test_a_mouth_that_moves_after_its_sound_finds_no_offset(write_folder: Callable[..., Path]) -> None:
    late = np.random.default_rng(0).uniform(1, 3, 77)
    table = study(write_folder([moving_clip("s1/late", late[3:], late[:-3])]))
    assert table[R_COLUMNS].max(axis=None) < 0.6


def test_scipy_agrees_on_a_real_clip(write_folder: Callable[..., Path], real: Clip) -> None:
    row = study(write_folder([real])).iloc[0]
    change = [np.mean(abs(real.mel[t + 1] - real.mel[t])) for t in range(74)]
    moved = [np.mean(np.linalg.norm(real.flow[t].astype(float), axis=-1)) for t in range(74)]
    r = [pearsonr([change[t] for t in range(k, 74)], [moved[t - k] for t in range(k, 74)]).statistic for k in OFFSETS]
    np.testing.assert_allclose(row[R_COLUMNS].astype(float), r, atol=2e-6)  # six digits, float32 means
    assert row.best_offset == np.argmax(r)


def test_motion_is_the_mean_length_of_the_flow(real: Clip) -> None:
    some = real.flow[20:23]
    naive = [sum(math.hypot(dx, dy) for dx, dy in field.reshape(-1, 2).tolist()) / 64**2 for field in some[:-1]]
    np.testing.assert_allclose(mean_motion(some), naive, rtol=1e-6)
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)  # with subnormals, infinities and nan
    pairs = np.stack([every, np.zeros_like(every)], -1).reshape(-1, 1, 1, 2)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(mean_motion(pairs), abs(every[:-1].astype(float)), rtol=1e-3)


def test_clips_without_a_correlation_are_counted_and_say_why(write_folder: Callable[..., Path]) -> None:
    steps = np.random.default_rng(1).uniform(1, 3, 74)
    still = np.zeros(74)
    clips = [
        mouth_first("s1/ok", 2),
        mouth_first("s1/window", 2, n_frames=16),
        mouth_first("s1/short", 2, n_frames=15),
        moving_clip("s1/one", steps[:0], steps[:0]),
        moving_clip("s2/silent", still, steps),
        moving_clip("s2/motionless", steps, still),
        moving_clip("s2/steady", np.full(74, 0.3), steps),
        moving_clip("s2/late-end", np.where(np.arange(74) < 7, steps, 0), steps),
        damaged("s3/mel-nan", "mel", np.nan, 0),
        damaged("s3/mel-inf", "mel", -np.inf, 74),
        damaged("s3/flow-nan", "flow", np.nan, 73),
        damaged("s3/flow-inf", "flow", np.inf, 0),
        damaged("s3/last-flow", "flow", np.nan, 74),
    ]
    table = study(write_folder(clips)).set_index("clip_id")
    measured = table[table.reason == ""]
    assert len(table) == 13
    assert sorted(measured.index) == ["s1/ok", "s1/window", "s3/last-flow"]
    assert measured.best_offset.tolist() == [2, 2, 1] and measured[R_COLUMNS].notna().all(axis=None)
    lost = table.drop(measured.index)
    assert lost[[*R_COLUMNS, "best_offset"]].isna().all(axis=None)
    for clip_id, reason in {
        "s1/short": "15 frames; at least 16 wanted",
        "s1/one": "1 frames; at least 16",
        "s2/silent": "its sound changes by 0 dB at every frame",
        "s2/motionless": "its mouth changes by 0 pixels at every frame",
        "s2/steady": "its sound changes by 0.3 dB at every frame",
        "s2/late-end": "its sound changes by 0 dB at every frame",
        "s3/mel-nan": "its log-mel holds values that are not finite",
        "s3/mel-inf": "its log-mel holds",
        "s3/flow-nan": "its flow holds",
        "s3/flow-inf": "its flow holds",
    }.items():
        assert table.reason[clip_id].startswith(reason)


def test_flow_of_other_than_two_components_is_refused(write_folder: Callable[..., Path]) -> None:
    odd = with_feature(mouth_first("s1/odd", 0), flow=np.zeros((75, 64, 64, 3), np.float16))
    with pytest.raises(LipdataError, match=r"flow is \(75, 64, 64, 3\); its last axis should be 2"):
        study(write_folder([odd]))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
def test_one_shard_is_mapped_at_a_time(write_folder: Callable[..., Path]) -> None:
    folder = write_folder([mouth_first("s1/a", 0)], [mouth_first("s1/b", 1)], [mouth_first("s1/c", 2)])
    mapped: list[set[str]] = []

    def look(done: int) -> None:
        lines = Path("/proc/self/maps").read_text().splitlines()
        mapped.append({Path(line.split()[-1]).name for line in lines if str(folder) in line})

    delay_table(open_shards(folder), look)
    assert mapped == [{"grid-00000.h5"}, {"grid-00001.h5"}, {"grid-00002.h5"}]
