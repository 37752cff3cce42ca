import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from matplotlib.figure import Figure
from scipy.stats import pearsonr

from lipdata.analysis.av_delay import COLUMNS, OFFSETS, R_COLUMNS, delay_table, mean_motion
from lipdata.analysis.delay_plot import draw_histogram, example_clips
from lipdata.cli.main import main
from lipdata.config import Pipeline
from lipdata.corpus.manifest import ManifestRow
from lipdata.corpus.source import locate
from lipdata.errors import LipdataError
from lipdata.ingestion.clip_pipeline import process_clip
from lipdata.shards.clip import Clip
from lipdata.shards.reader import open_shards
from lipdata.shards.writer import write_shard


def clip(clip_id: str, change: np.ndarray, moved: np.ndarray) -> Clip:
    """A clip whose sound changes by ``change`` dB and whose mouth moves by ``moved`` pixels, T - 1 steps each."""
    n_frames = len(change) + 1
    level = np.cumsum([-60, *(change * (-1.0) ** np.arange(len(change)))])  # up and down by turns
    flow = np.full((n_frames, 64, 64, 2), 9.0)  # the last frame has no next: its 9 is not to be counted
    flow[:-1] = moved[:, None, None, None] * (0.6, -0.8)
    return Clip(
        clip_id=clip_id,
        speaker=clip_id.split("/")[0],
        sha256="0" * 64,
        frames=np.zeros((n_frames, 64, 64, 3), np.uint8),
        mel=np.broadcast_to(level[:, None, None], (n_frames, 4, 128)).astype(np.float32),
        flow=flow.astype(np.float16),
        landmarks=np.zeros((n_frames, 20, 2)),
        box=np.zeros((n_frames, 4)),
        tracked=np.ones(n_frames, bool),
        face=np.zeros((256, 256, 3), np.uint8),
        face_lips=np.zeros(4),
    )


def mouth_first(clip_id: str, by: int, n_frames: int = 75, seed: int = 0) -> Clip:
    """A clip whose mouth moves ``by`` frames before its sound."""
    both = np.random.default_rng(seed).uniform(1, 3, n_frames + 6)
    return clip(clip_id, both[7 - by : len(both) - by], both[7:])


def damaged(clip_id: str, name: str, value: float, frame: int) -> Clip:
    whole = mouth_first(clip_id, 1)
    array = getattr(whole, name).copy()
    array[frame, 3] = value
    return replace(whole, **{name: array})


@pytest.fixture
def write(tmp_path: Path, setup: Pipeline):
    about = {"pipeline": setup.to_json(), "pipeline_digest": "d" * 64, "fps": 25, "sample_rate": 44100}

    def write_folder(*of_shards: list[Clip]) -> Path:
        folder = tmp_path / "shards"
        folder.mkdir()
        for number, clips in enumerate(of_shards):
            write_shard(folder / f"grid-{number:05}.h5", clips, about)
        return folder

    return write_folder


def study(folder: Path) -> pd.DataFrame:
    return delay_table(open_shards(folder))


def test_a_mouth_that_moves_k_frames_before_its_sound_is_best_at_offset_k(write) -> None:
    told: list[int] = []
    clips = [mouth_first(f"s1/k{k}", k, seed=k) for k in OFFSETS]
    table = delay_table(open_shards(write(clips[5:], clips[:5])), told.append)
    assert list(table.columns) == COLUMNS
    assert table.clip_id.tolist() == [f"s1/k{k}" for k in OFFSETS]  # sorted over the shards
    assert table.best_offset.tolist() == list(OFFSETS)
    assert (table[R_COLUMNS].max(axis=1) > 0.999).all()  # float16 flow
    assert (table[R_COLUMNS].apply(lambda r: r.nlargest(2).iloc[1], axis=1) < 0.6).all()
    assert (table.fps == 25).all() and (table.n_frames == 75).all() and (table.reason == "").all()
    assert told == list(range(1, 9))


def test_a_mouth_that_moves_after_its_sound_finds_no_offset(write) -> None:
    late = np.random.default_rng(0).uniform(1, 3, 77)
    table = study(write([clip("s1/late", late[3:], late[:-3])]))
    assert table[R_COLUMNS].max(axis=None) < 0.6


@pytest.fixture(scope="session")
def real(grid: Path, finder, setup: Pipeline) -> Clip:
    row = ManifestRow("s1/bbaf2n", "s1", "", "s1/bbaf2n.mpg")
    return process_clip(row, locate(row, grid), finder, setup).data


def test_scipy_agrees_on_a_real_clip(write, real: Clip) -> None:
    row = study(write([real])).iloc[0]
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


def test_clips_without_a_correlation_are_counted_and_say_why(write) -> None:
    steps = np.random.default_rng(1).uniform(1, 3, 74)
    still = np.zeros(74)
    clips = [
        mouth_first("s1/ok", 2),
        mouth_first("s1/window", 2, n_frames=16),
        mouth_first("s1/short", 2, n_frames=15),
        clip("s1/one", steps[:0], steps[:0]),
        clip("s2/silent", still, steps),
        clip("s2/motionless", steps, still),
        clip("s2/steady", np.full(74, 0.3), steps),
        clip("s2/late-end", np.where(np.arange(74) < 7, steps, 0), steps),
        damaged("s3/mel-nan", "mel", np.nan, 0),
        damaged("s3/mel-inf", "mel", -np.inf, 74),
        damaged("s3/flow-nan", "flow", np.nan, 73),
        damaged("s3/flow-inf", "flow", np.inf, 0),
        damaged("s3/last-flow", "flow", np.nan, 74),
    ]
    table = study(write(clips)).set_index("clip_id")
    measured = table[table.reason == ""]
    assert len(table) == 13
    assert sorted(measured.index) == ["s1/ok", "s1/window", "s3/last-flow"]
    assert measured.best_offset.tolist() == [2, 2, 1] and measured[R_COLUMNS].notna().all(axis=None)
    lost = table.drop(measured.index)
    assert lost[[*R_COLUMNS, "best_offset"]].isna().all(axis=None)
    for clip_id, said in {
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
        assert table.reason[clip_id].startswith(said)


def test_flow_of_other_than_two_components_is_refused(write) -> None:
    odd = replace(mouth_first("s1/odd", 0), flow=np.zeros((75, 64, 64, 3), np.float16))
    with pytest.raises(LipdataError, match=r"flow is \(75, 64, 64, 3\); its last axis should be 2"):
        study(write([odd]))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
def test_one_shard_is_mapped_at_a_time(write) -> None:
    folder = write([mouth_first("s1/a", 0)], [mouth_first("s1/b", 1)], [mouth_first("s1/c", 2)])
    mapped: list[set[str]] = []

    def look(done: int) -> None:
        lines = Path("/proc/self/maps").read_text().splitlines()
        mapped.append({Path(line.split()[-1]).name for line in lines if str(folder) in line})

    delay_table(open_shards(folder), look)
    assert mapped == [{"grid-00000.h5"}, {"grid-00001.h5"}, {"grid-00002.h5"}]


def bars(table: pd.DataFrame) -> list[float]:
    axes = Figure().subplots()
    draw_histogram(axes, table)
    return [bar.get_height() for bar in axes.patches]


def test_the_histogram_counts_the_clips_that_could_be_measured(write) -> None:
    clips = [mouth_first(f"s1/{i}", by, seed=i) for i, by in enumerate((0, 3, 3, 7, 0, 3))]
    assert bars(study(write([*clips, mouth_first("s1/short", 0, 12)]))) == [2, 0, 0, 3, 0, 0, 0, 1]


def made_up(best: dict[str, tuple[int, float]]) -> pd.DataFrame:
    rows = [
        {"clip_id": clip_id, "fps": 25, "best_offset": k, "reason": ""} | dict.fromkeys(R_COLUMNS, 0.0) | {f"r_{k}": r}
        for clip_id, (k, r) in best.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"best_offset": "Int64"})


def test_examples_are_the_middle_clips_of_the_four_commonest_offsets() -> None:
    table = made_up(
        {
            "a": (0, 0.9), "b": (0, 0.3), "c": (0, 0.5),
            "d": (6, 0.2), "e": (6, 0.8),
            "f": (2, 0.4), "g": (2, 0.4),
            "h": (3, 0.1), "i": (5, 0.9),
        }
    )  # fmt: skip
    assert example_clips(table).clip_id.tolist() == ["c", "f", "h", "d"]
    assert example_clips(table[:3]).clip_id.tolist() == ["c"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["delay", *map(str, arguments)])


def test_the_command_draws_and_writes_the_same_bytes_twice(write, tmp_path: Path) -> None:
    folder = write([mouth_first(r"s1/$\b$", 2), mouth_first("s1/a", 2, seed=1)], [mouth_first("s2/short", 0, 9)])
    png, csv = tmp_path / "fig4.png", tmp_path / "fig4.csv"
    result = run(folder, "-o", png)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "found 3 = measured 2 + unmeasurable 1",
        "most frequent best offset 2 frames (80 ms; 2 clips), median best r 1.000, mean r at offset 0 "
        + f"{pd.read_csv(csv).r_0.mean():.3f}",
        f"drawn: {png}, every clip: {csv}",
        f"next: lipmodel fit {folder}",
    ]
    lines = csv.read_bytes().decode().split("\n")
    assert lines[0] == "clip_id,speaker,fps,n_frames,r_0,r_1,r_2,r_3,r_4,r_5,r_6,r_7,best_offset,reason"
    assert [line.split(",")[0] for line in lines[1:]] == [r"s1/$\b$", "s1/a", "s2/short", ""]
    assert lines[3] == "s2/short,s2,25,9,,,,,,,,,,9 frames; at least 16 wanted"
    assert cv2.imread(str(png)).shape == (660, 1500, 3)
    first = png.read_bytes(), csv.read_bytes()
    refused = run(folder, "-o", png)
    assert refused.exit_code == 2
    assert refused.stderr == f"lipdata: {png} is there already; choose another -o or say --overwrite\n"
    assert run(folder, "-o", png, "--overwrite").exit_code == 0
    assert (png.read_bytes(), csv.read_bytes()) == first
    assert b"matplotlib" not in first[0].lower()


def test_a_folder_in_which_nothing_can_be_measured_is_drawn_too(write, tmp_path: Path) -> None:
    result = run(write([mouth_first("s1/short", 0, 9)]), "-o", tmp_path / "d.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("found 1 = measured 0 + unmeasurable 1\ndrawn: ")
    assert (tmp_path / "d.png").exists() and "9 frames" in (tmp_path / "d.csv").read_text()


def test_mistakes_are_told_in_one_line_before_the_study(write, tmp_path: Path) -> None:
    folder = write([mouth_first("s1/a", 0)])
    (tmp_path / "there.csv").touch()
    for arguments, said in (
        ((folder, "-o", tmp_path / "there.png"), "there.csv is there already; choose another -o or say --overwrite"),
        ((folder, "-o", tmp_path / "x.csv"), "allowed: a name that ends in .png"),
        ((folder, "-o", tmp_path / "no" / "x.png"), "there is no folder"),
        ((tmp_path, "-o", tmp_path / "x.png"), "holds no shards (*.h5); make some with: lipdata ingest"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2 and said in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "there.png").exists()
