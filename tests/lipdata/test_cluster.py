"""The same ingest on a real Dask cluster: a scheduler and two workers on loopback, one of which is killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lipdata.corpus.manifest import read_manifest
from lipdata.shards.ledger import read_ledger
from lipdata.shards.reader import content_sha256
from tests.lipdata.disturb import command, contents, deadly_ffmpeg, run, tallied, until

HERE = ("--host", "127.0.0.1", "--no-dashboard")


def started(what: str, *options: object) -> subprocess.Popen[str]:
    asked = [sys.executable, "-m", f"distributed.cli.dask_{what}", *map(str, options), *HERE]
    return subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


@contextmanager
def running_cluster(tmp_path: Path, nanny: str) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """The scheduler's address, and two workers; a nanny starts a worker anew when it dies."""
    told = tmp_path / "scheduler.json"
    scheduler = started("scheduler", "--port", 0, "--scheduler-file", told)
    until(told.exists, scheduler)
    while not (content := told.read_text()):
        time.sleep(0.01)
    address = str(json.loads(content)["address"])
    options = (address, "--nthreads", 1, nanny, "--local-directory", tmp_path / "dask")
    workers = [started("worker", *options) for _ in range(2)]
    yield address, workers
    for process in (*workers, scheduler):
        process.terminate()  # a nanny that is killed leaves its worker
    for process in (*workers, scheduler):
        process.wait()


def test_a_cluster_makes_the_same_bytes_though_a_worker_is_killed(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with running_cluster(tmp_path, "--no-nanny") as (address, (first, _)):
        asked = command(corpus, out, pipeline, "--backend", "dask", "--scheduler", address)
        with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True) as process:
            until(lambda: any(tallied(out, f"grid-{number:05d}") == 1 for number in range(3)), process)
            first.kill()
            said = process.communicate()[1]
    assert process.returncode == 0, said
    assert contents(out) == contents(whole)


def test_a_clip_that_kills_its_worker_fails_on_a_cluster_too(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guilty = read_manifest(whole / "manifest.csv")[2]
    monkeypatch.setenv("PATH", f"{deadly_ffmpeg(tmp_path, guilty.path)}:{os.environ['PATH']}")
    out = tmp_path / "out"
    with running_cluster(tmp_path, "--nanny") as (address, _):
        done = run(corpus, out, pipeline, "--backend", "dask", "--scheduler", address)
    assert done.returncode == 1, done.stderr
    table = read_ledger(out / "ledger.csv").set_index("clip_id")
    assert table[table.status == "failed"].stage.to_dict() == {guilty.clip_id: "worker"}
    for name in ("grid-00000.h5", "grid-00002.h5"):
        assert content_sha256(out / name) == content_sha256(whole / name)


def test_workers_elsewhere_know_relative_paths(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_cluster(tmp_path, "--no-nanny") as (address, _):
        monkeypatch.chdir(corpus)
        out = Path(os.path.relpath(tmp_path / "out"))
        done = run(Path(), out, pipeline, "--backend", "dask", "--scheduler", address)
    assert done.returncode == 0, done.stderr
    assert contents(out) == contents(whole)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--backend", "dask"), "go together"),
        (("--scheduler", "tcp://127.0.0.1:1"), "go together"),
        (("--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"), "no Dask scheduler answers at tcp://127.0.0.1:1"),
        (("--backend", "dask", "--scheduler", "nowhere"), "nowhere"),
    ],
)
def test_a_cluster_that_is_not_there(
    corpus: Path, pipeline: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    refused = run(corpus, tmp_path / "out", pipeline, *options)
    assert refused.returncode == 2 and said in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr
