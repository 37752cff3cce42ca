"""Processes of an ingest that are killed: the run, a worker, the fork server, ffmpeg."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lipdata.analysis import check_path
from lipdata.media import ffmpeg_binary
from lipdata.shards import Shard, content_sha256, read_ledger
from tests.lipdata.ingestion.disturb import (
    CLIPS,
    clips_done,
    command,
    contents,
    descendants_of,
    is_running,
    recorded_shards,
    run,
    servers_of,
    times_of_shards,
    until,
    workers_of,
)
from tests.lipdata.scripted_ffmpeg import scripted_ffmpeg


def test_a_killed_run_goes_on(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.DEVNULL, text=True) as process:
        until(lambda: bool(recorded_shards(out)), process)
        workers, before = workers_of(process), recorded_shards(out)
        process.kill()
    again = run(corpus, out, pipeline)
    assert again.returncode == 0, again.stderr
    assert contents(out) == contents(whole)
    # What was whole and recorded is not made again.
    assert before.items() <= times_of_shards(out).items()
    assert not any(is_running(pid) for pid in workers)


def test_a_clip_that_kills_its_worker_fails_and_no_other(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fatal = Shard(whole / "grid-00001.h5").clips[1].clip_id
    monkeypatch.setenv("LIPDATA_FFMPEG", str(scripted_ffmpeg(tmp_path, f"{fatal}.mpg")))
    ran = run(corpus, tmp_path / "out", pipeline)
    assert ran.returncode == 1, ran.stderr
    table = read_ledger(tmp_path / "out" / "ledger.csv").set_index("clip_id")
    assert table[table.status == "failed"].index.tolist() == [fatal]
    assert (table.stage[fatal], table.reason[fatal]) == ("worker", "its worker died twice")
    assert f"found {CLIPS} = ok {CLIPS - 1} + failed 1" in ran.stdout
    for other in ("grid-00000.h5", "grid-00002.h5"):
        assert content_sha256(tmp_path / "out" / other) == content_sha256(whole / other)


@pytest.mark.slow
@pytest.mark.usefixtures("slowed_down")
def test_a_worker_that_dies_once_costs_only_time(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.PIPE, text=True) as process:
        until(lambda: clips_done(out, "grid-00001") == 1, process)
        os.kill(workers_of(process)[0], signal.SIGKILL)
        errors = process.communicate()[1]
    assert process.returncode == 0, errors
    assert contents(out) == contents(whole)


@pytest.mark.slow
@pytest.mark.usefixtures("slowed_down")
def test_a_clip_whose_worker_is_killed_twice_fails(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    name, fatal = "grid-00001", Shard(whole / "grid-00001.h5").clips[1].clip_id
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.PIPE, text=True) as process:
        for _ in range(2):
            until(lambda: clips_done(out, name) == 1, process)  # at its second clip
            for worker in workers_of(process):
                os.kill(worker, signal.SIGKILL)
            until(lambda: clips_done(out, name) == 0, process)  # begun again
        errors = process.communicate()[1]
    assert process.returncode == 1, errors
    table = read_ledger(out / "ledger.csv").set_index("clip_id")
    assert table[table.status == "failed"].index.tolist() == [fatal]
    assert (table.stage[fatal], table.reason[fatal]) == ("worker", "its worker died twice")
    for other in ("grid-00000.h5", "grid-00002.h5"):
        assert content_sha256(out / other) == content_sha256(whole / other)


@pytest.mark.slow
def test_the_fork_server_dies_as_it_starts(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.PIPE, text=True) as process:
        until(lambda: bool(servers_of(process)), process)
        os.kill(servers_of(process)[0], signal.SIGKILL)
        errors = process.communicate()[1]
    assert process.returncode == 0, errors
    assert contents(out) == contents(whole)


@pytest.mark.slow
def test_every_clip_kills_its_worker_and_the_run_ends(
    corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIPDATA_FFMPEG", str(scripted_ffmpeg(tmp_path, str(corpus))))
    ended = run(corpus, tmp_path / "out", pipeline)
    assert ended.returncode == 1, ended.stderr
    table = read_ledger(tmp_path / "out" / "ledger.csv")
    assert table.stage.tolist() == ["worker"] * CLIPS


@pytest.mark.slow
def test_a_killed_ffmpeg_is_started_again(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out, binary, killed = tmp_path / "out", os.path.realpath(ffmpeg_binary()), 0
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and killed < 2:
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    of_this_run = str(corpus) in (folder / "cmdline").read_bytes().decode("utf-8", "replace")
                    if of_this_run and str((folder / "exe").readlink()) == binary and killed < 2:
                        os.kill(int(folder.name), signal.SIGKILL)
                        killed += 1
                except OSError:
                    continue
        errors = process.communicate()[1]
    assert killed == 2 and process.returncode == 0, errors
    assert contents(out) == contents(whole)


@pytest.mark.slow
@pytest.mark.usefixtures("slowed_down")
def test_partial_files_of_a_dead_worker_are_removed(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.DEVNULL, text=True) as process:
        until(lambda: clips_done(out, "grid-00001") == 1, process)
        (out / ".grid-00001.some-machine.123.part.h5").write_bytes(b"half")
        (out / ".thesis.part").write_text("mine")
    assert process.returncode == 0
    assert [path.name for path in out.glob(".*")] == [".thesis.part"]
    assert check_path(out) == []


@pytest.mark.slow
def test_no_process_outlives_a_run_that_is_killed(
    corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A worker that waits for a hung ffmpeg, and one that was never given work.
    monkeypatch.setenv("LIPDATA_FFMPEG", str(scripted_ffmpeg(tmp_path, ".mpg", "exec sleep 600")))
    arguments = command(corpus, tmp_path / "out", pipeline, "--limit", 1)
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True) as process:
        until(lambda: any(descendants_of(worker) for worker in workers_of(process)), process)
        family = descendants_of(process.pid)
        process.kill()
    assert len(family) > 3
    for _ in range(200):
        left = [pid for pid in family if is_running(pid)]
        if not left:
            break
        time.sleep(0.1)
    assert not left
