"""The command line itself: mistakes are one line, info counts, demo writes clips that ingest takes."""

import json
from pathlib import Path

import pytest

from lipdata.config import Pipeline
from lipdata.corpus import read_manifest, scan_corpus
from tests.lipdata.command_line import lipdata, lipdata_here, require_one_line


@pytest.mark.parametrize("arguments", [("--bogus",), ("bogus",), ("ingest",), ("ingest", "x", "-j", "0")])
def test_a_mistake_in_the_usage_is_one_line(arguments: tuple[str, ...]) -> None:
    require_one_line(lipdata(*arguments))


def test_info_counts(made: Path) -> None:
    info = json.loads(lipdata_here("info", made, "--json").stdout)
    assert (info["found"], info["ok"], info["failed"], info["unmatched"]) == (5, 4, 1, 0)
    assert info["windows"] == 32 == sum(info["windows_by_split"].values())
    assert info["speakers"] == {"t1": 2, "t2": 1, "t3": 1}
    assert info["hours"] == pytest.approx(12 / 3600, abs=1e-6)


def test_manifest_writes_one_that_ingest_reads(clips: Path, tmp_path: Path) -> None:
    ran = lipdata_here("manifest", clips, "-o", tmp_path / "m.csv", "--test", "s2, s22", "--val", "0")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == "8 clips (test 2, train 6)"
    rows = read_manifest(tmp_path / "m.csv")
    assert {row.speaker for row in rows if row.split == "test"} == {"s2", "s22"}
    known = {row.clip_id: row.sha256 for row in read_manifest(clips / "manifest.csv")}
    assert {row.clip_id: row.sha256 for row in rows} == known
    require_one_line(lipdata_here("manifest", clips, "-o", tmp_path / "m.csv"), "m.csv is there already")
    assert read_manifest(tmp_path / "m.csv") == rows


@pytest.mark.slow
def test_demo_writes_real_and_synthetic_clips(clips: Path, setup: Pipeline, tmp_path: Path) -> None:
    ran = lipdata("demo", tmp_path / "demo", "--clips", 1)
    assert ran.returncode == 0, ran.stderr
    real, synthetic = tmp_path / "demo" / "grid", tmp_path / "demo" / "synthetic"
    assert ran.stdout.splitlines() == [
        f"8 real clips in {real}",
        f"1 synthetic clips in {synthetic}",
        f"next: lipdata ingest {real} --manifest {real / 'manifest.csv'}",
    ]
    for path in clips.rglob("*.*"):
        assert path.suffix == ".pyc" or (real / path.relative_to(clips)).read_bytes() == path.read_bytes()
    assert [row.clip_id.split("/")[0] for row in scan_corpus(synthetic, setup.corpus).rows] == ["t1"]
    require_one_line(lipdata_here("demo", tmp_path / "demo"), "is there already")
