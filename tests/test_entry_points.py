"""A detector, a feature and a loss of another package, found by entry points in every process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import lipdata
from lipdata.config import load_pipeline
from lipdata.shards.reader import content_sha256
from tests.lipdata.ingestion.test_dask_cluster import running_cluster

HERE = Path(__file__).parent
ENTRY_POINTS = """\
[lipdata.detectors]
shifted = lip_extras:ShiftedDlib

[lipdata.features]
loudness = lip_extras:LOUDNESS

[lipmodel.losses]
darkness = lip_extras:DARKNESS
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH in which the package lies as pip installs it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "lip_extras.py").write_bytes((HERE / "plugin_package" / "lip_extras.py").read_bytes())
    about = folder / "lip_extras-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lip-extras\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GRID's pipeline with both, and one clip a shard, so that two workers have something to share."""
    grid = (HERE.parent / "pipelines" / "grid.toml").read_text()
    grid = grid.replace("[mel]", 'detector = "shifted"\n\n[mel]', 1)
    path = tmp_path_factory.mktemp("pipeline") / "extras.toml"
    path.write_text(grid.replace("clips = 64", 'clips = 1\nfeatures = ["mel", "flow", "loudness"]'))
    return path


def run(site: Path | None, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"PYTHONPATH": str(site)} if site else {})
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def shards(site: Path, pipeline: Path, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("extras") / "shards"
    ran = run(site, "lipdata", "ingest", sample, "-o", out, "--pipeline", pipeline, "-j", 2, "--limit", 2)
    assert ran.returncode == 0, ran.stderr
    return out


def test_workers_compute_a_feature_of_another_package(shards: Path) -> None:
    for path in shards.glob("*.h5"):
        with h5py.File(path) as file:
            loudness, loudest = file["loudness"][:], file["mel"][:].max((1, 2))
            assert file["loudness"].attrs["units"] == "dB re 1.0" and loudness.dtype == np.float32
            assert np.corrcoef(loudness, loudest)[0, 1] > 0.8


def test_its_shards_are_read_without_the_package(shards: Path) -> None:
    folder = lipdata.open(shards)
    clip = next(iter(folder.values()))
    assert clip.features["loudness"].shape == (75,) and "loudness=(75,)" in repr(clip)
    checked = run(None, "lipdata", "check", shards)
    assert checked.returncode == 0, checked.stdout


def test_the_dataset_names_the_package_it_was_made_with(shards: Path) -> None:
    about = json.loads((shards / "dataset.json").read_text())
    assert about["versions"]["lip-extras"] == "1.2"
    assert about["pipeline"]["lips"]["detector"] == "shifted"


def test_workers_find_faces_with_a_detector_of_another_package(shards: Path, sample: Path) -> None:
    folder = lipdata.open(shards)
    for row in folder.manifest:
        plain = lipdata.load_clip(sample / row.path)
        np.testing.assert_allclose(folder[row.clip_id].box, plain.box + np.float32([1, 0, 1, 0]), atol=1e-4)


@pytest.mark.slow
def test_workers_of_a_cluster_find_both_too(
    site: Path, shards: Path, pipeline: Path, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))  # for the workers, which the cluster starts
    out = tmp_path / "out"
    with running_cluster(tmp_path, "--no-nanny") as (address, _):
        dask = ["--backend", "dask", "--scheduler", address]
        ran = run(site, "lipdata", "ingest", sample, "-o", out, "--pipeline", pipeline, "--limit", 2, *dask)
    assert ran.returncode == 0, ran.stderr
    for path in shards.glob("*.h5"):
        assert content_sha256(out / path.name) == content_sha256(path)


def test_without_the_package_its_pipeline_is_one_line(pipeline: Path, sample: Path, tmp_path: Path) -> None:
    ran = run(None, "lipdata", "ingest", sample, "-o", tmp_path / "out", "--pipeline", pipeline)
    assert ran.returncode == 2 and len(ran.stderr.splitlines()) == 1
    assert "no face detector 'shifted'; known: dlib, precomputed" in ran.stderr
    assert not (tmp_path / "out").exists()


def test_a_feature_must_be_known_before_any_clip_is_read(sample: Path, tmp_path: Path) -> None:
    grid = (HERE.parent / "pipelines" / "grid.toml").read_text()
    (tmp_path / "typo.toml").write_text(grid.replace("clips = 64", 'clips = 64\nfeatures = ["mel", "flwo"]'))
    ran = run(None, "lipdata", "ingest", sample, "-o", tmp_path / "out", "--pipeline", tmp_path / "typo.toml")
    assert ran.returncode == 2 and "no feature 'flwo'; known: mel, flow" in ran.stderr
    assert not (tmp_path / "out").exists()


def test_old_pipelines_keep_their_digest() -> None:
    """The keys that name a detector and features count only where they are not what was fixed before."""
    digest = load_pipeline("grid").digest("0" * 64)
    assert digest == "1c35cf72b16f92a2b7b9f494cf83b9b7bd6bb1255d726d72994c2b6cadeb0a1f"


def test_a_loss_has_its_flag_its_log_line_and_its_place_in_the_sum(site: Path, shards: Path, tmp_path: Path) -> None:
    helped = run(site, "lipmodel", "fit", "--help")
    assert "--l-darkness" in helped.stdout and "how dark the video is" in helped.stdout
    few = ["--preset", "tiny", "--steps", 1, "--flow-steps", 1, "--autoencoder-steps", 1, "--batch", 2, "--split", ""]
    manifest = tmp_path / "manifest.csv"
    rows = (shards / "manifest.csv").read_text()
    manifest.write_text(rows.replace(",train,", ",,").replace(",val,", ",,").replace(",test,", ",,"))
    out = tmp_path / "run"
    ran = run(site, "lipmodel", "fit", shards, "-o", out, *few, "--manifest", manifest, "--l-darkness", 3)
    assert ran.returncode == 0, ran.stderr
    weights = json.loads((out / "config.json").read_text())["weights"]
    assert weights["darkness"] == 3
    losses = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    assert 0 < losses["darkness"] < 2  # 1 - video, which lies between -1 and 1
    total = sum(weights[name] * losses[name] for name in ("corr", "pixel", "perc", "gen", "first", "darkness"))
    assert losses["total"] == pytest.approx(total, rel=1e-5)  # float32 sums
    without = run(None, "lipmodel", "fit", shards, "-o", out, "--manifest", manifest, "--resume", "--steps", 2)
    assert without.returncode == 2 and "no loss 'darkness'" in without.stderr


@pytest.mark.parametrize(
    ("entry", "command", "message"),
    [
        ("[lipmodel.losses]\nbroken = lip_broken:X", ("lipmodel", "fit", "--help"), "'broken' of lipmodel.losses"),
        (
            "[lipmodel.losses]\nbroken = lip_good:NOT_A_LOSS",
            ("lipmodel", "fit", "--help"),
            "allowed: a lipmodel.losses",
        ),
    ],
)
def test_a_broken_package_is_one_line(tmp_path: Path, entry: str, command: tuple[str, ...], message: str) -> None:
    (tmp_path / "lip_broken.py").write_text("raise ZeroDivisionError('at import')\n")
    (tmp_path / "lip_good.py").write_text("NOT_A_LOSS = 3\n")
    about = tmp_path / "lip_broken-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lip-broken\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text(entry + "\n")
    ran = run(tmp_path, *command)
    assert ran.returncode == 2 and len(ran.stderr.splitlines()) == 1 and message in ran.stderr, ran.stderr
