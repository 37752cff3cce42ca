"""``lipdata delay``: its drawing, its table and its mistakes."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pandas as pd
from click.testing import CliRunner, Result
from matplotlib.figure import Figure

from lipdata.analysis.av_delay import COLUMNS, R_COLUMNS, delay_table
from lipdata.analysis.delay_plot import draw_histogram, example_clips
from lipdata.cli import main
from lipdata.shards import open_shards
from tests.lipdata.analysis.moving import mouth_first


def delay_table_of(folder: Path) -> pd.DataFrame:
    return delay_table(open_shards(folder))


def bars(table: pd.DataFrame) -> list[float]:
    axes = Figure().subplots()
    draw_histogram(axes, table)
    return [bar.get_height() for bar in axes.patches]


def test_the_histogram_counts_the_clips_that_could_be_measured(write_folder: Callable[..., Path]) -> None:
    clips = [mouth_first(f"s1/{i}", by, seed=i) for i, by in enumerate((0, 3, 3, 7, 0, 3))]
    assert bars(delay_table_of(write_folder([*clips, mouth_first("s1/short", 0, 12)]))) == [2, 0, 0, 3, 0, 0, 0, 1]


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


def test_the_command_draws_and_writes_the_same_bytes_twice(write_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_folder([mouth_first(r"s1/$\b$", 2), mouth_first("s1/a", 2, seed=1)], [mouth_first("s2/short", 0, 9)])
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


def test_a_folder_in_which_nothing_can_be_measured_is_drawn_too(
    write_folder: Callable[..., Path], tmp_path: Path
) -> None:
    result = run(write_folder([mouth_first("s1/short", 0, 9)]), "-o", tmp_path / "d.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("found 1 = measured 0 + unmeasurable 1\ndrawn: ")
    assert (tmp_path / "d.png").exists() and "9 frames" in (tmp_path / "d.csv").read_text()


def test_mistakes_are_one_line(write_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_folder([mouth_first("s1/a", 0)])
    (tmp_path / "there.csv").touch()
    for arguments, error in (
        ((folder, "-o", tmp_path / "there.png"), "there.csv is there already; choose another -o or say --overwrite"),
        ((folder, "-o", tmp_path / "x.csv"), "allowed: a name that ends in .png"),
        ((folder, "-o", tmp_path / "no" / "x.png"), "there is no folder"),
        ((tmp_path, "-o", tmp_path / "x.png"), "holds no shards (*.h5); make some with: lipdata ingest"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2 and error in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "there.png").exists()
