"""The same ingest on a real Dask cluster: a scheduler and two workers on loopback, one of which is killed."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lipdata.disturb import command, contents, run, tallied, until

HERE = ("--host", "127.0.0.1", "--no-dashboard")


def started(what: str, *options: object) -> subprocess.Popen[str]:
    asked = [sys.executable, "-m", f"distributed.cli.dask_{what}", *map(str, options), *HERE]
    return subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """The scheduler's address, and two workers."""
    told = tmp_path / "scheduler.json"
    scheduler = started("scheduler", "--port", 0, "--scheduler-file", told)
    until(told.exists, scheduler)
    while not (content := told.read_text()):
        time.sleep(0.01)
    address = str(json.loads(content)["address"])
    options = (address, "--nthreads", 1, "--no-nanny", "--local-directory", tmp_path / "dask")
    workers = [started("worker", *options) for _ in range(2)]
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def test_a_cluster_makes_the_same_bytes_though_a_worker_is_killed(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[str]]]
) -> None:
    address, (first, _) = cluster
    out = tmp_path / "out"
    asked = command(corpus, out, pipeline, "--backend", "dask", "--scheduler", address)
    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: any(tallied(out, f"grid-{number:05d}") == 1 for number in range(3)), process)
        first.kill()
        said = process.communicate()[1]
    assert process.returncode == 0, said
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
