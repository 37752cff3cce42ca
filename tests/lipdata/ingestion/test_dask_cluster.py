"""The same ingest on a real Dask cluster: a scheduler and two workers on loopback, one of which is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lipdata.corpus import read_manifest
from lipdata.shards import content_sha256, read_ledger
from tests.lipdata.ingestion.disturb import clips_done, command, contents, descendants_of, run, until
from tests.lipdata.scripted_ffmpeg import scripted_ffmpeg

HERE = ("--host", "127.0.0.1", "--no-dashboard")


def started(what: str, *options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *map(str, options), *HERE]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


@contextmanager
def running_cluster(tmp_path: Path, nanny: str) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """The scheduler's address, and two workers; a nanny starts a worker anew when it dies."""
    file = tmp_path / "scheduler.json"
    scheduler = started("scheduler", "--port", 0, "--scheduler-file", file)
    until(file.exists, scheduler)
    while not (content := file.read_text()):
        time.sleep(0.01)
    address = str(json.loads(content)["address"])
    options = (address, "--nthreads", 1, nanny, "--local-directory", tmp_path / "dask")
    workers = [started("worker", *options) for _ in range(2)]
    yield address, workers
    for process in (*workers, scheduler):
        process.terminate()  # a nanny that is killed leaves its worker
    for process in (*workers, scheduler):
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:  # a worker may wait for ever for a scheduler that is gone
            for pid in (*descendants_of(process.pid), process.pid):
                os.kill(pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
def test_a_cluster_makes_the_same_bytes_though_a_worker_is_killed(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with running_cluster(tmp_path, "--no-nanny") as (address, (first, _)):
        arguments = command(corpus, out, pipeline, "--backend", "dask", "--scheduler", address)
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
            until(lambda: any(clips_done(out, f"grid-{number:05d}") == 1 for number in range(3)), process)
            first.kill()
            errors = process.communicate()[1]
    assert process.returncode == 0, errors
    assert contents(out) == contents(whole)


@pytest.mark.slow
def test_a_clip_that_kills_its_worker_fails_on_a_cluster_too(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fatal = read_manifest(whole / "manifest.csv")[2]
    monkeypatch.setenv("LIPDATA_FFMPEG", str(scripted_ffmpeg(tmp_path, fatal.path)))
    out = tmp_path / "out"
    with running_cluster(tmp_path, "--nanny") as (address, _):
        done = run(corpus, out, pipeline, "--backend", "dask", "--scheduler", address)
    assert done.returncode == 1, done.stderr
    table = read_ledger(out / "ledger.csv").set_index("clip_id")
    assert table[table.status == "failed"].stage.to_dict() == {fatal.clip_id: "worker"}
    for name in ("grid-00000.h5", "grid-00002.h5"):
        assert content_sha256(out / name) == content_sha256(whole / name)


@pytest.mark.slow
def test_workers_elsewhere_get_absolute_paths(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_cluster(tmp_path, "--no-nanny") as (address, _):
        monkeypatch.chdir(corpus)
        out = Path(os.path.relpath(tmp_path / "out"))
        done = run(Path(), out, pipeline, "--backend", "dask", "--scheduler", address)
    assert done.returncode == 0, done.stderr
    assert contents(out) == contents(whole)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--backend", "dask"), "go together"),
        (("--scheduler", "tcp://127.0.0.1:1"), "go together"),
        # It waits ten seconds for one to answer.
        pytest.param(
            ("--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"),
            "no Dask scheduler answers at tcp://127.0.0.1:1",
            marks=pytest.mark.slow,
        ),
        pytest.param(("--backend", "dask", "--scheduler", "nowhere"), "nowhere", marks=pytest.mark.slow),
    ],
)
def test_a_cluster_that_is_not_there(
    corpus: Path, pipeline: Path, tmp_path: Path, options: tuple[str, ...], error: str
) -> None:
    refused = run(corpus, tmp_path / "out", pipeline, *options)
    assert refused.returncode == 2 and error in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr
