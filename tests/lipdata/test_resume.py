"""An ingest that is killed, refused, doubled or damaged, and then begun again with the same command."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lipdata.analysis.integrity import check_path
from lipdata.config import load_pipeline
from lipdata.corpus.manifest import read_manifest
from lipdata.errors import LipdataError
from lipdata.face.dlib_detector import predictor_path
from lipdata.ingestion.resume import STATE_FOLDER
from lipdata.ingestion.task import plan_tasks
from lipdata.ingestion.worker import make_shard
from lipdata.media.ffmpeg import ffmpeg_binary
from lipdata.shards.ledger import read_ledger
from lipdata.shards.reader import Shard, content_sha256
from tests.lipdata.disturb import (
    CLIPS,
    below,
    command,
    contents,
    deadly_ffmpeg,
    run,
    servers_of,
    tallied,
    until,
    workers_of,
)


def test_the_same_command_on_what_is_done_changes_nothing(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.h5")}
    again = run(corpus, out, pipeline)
    assert again.returncode == 0 and f"found {CLIPS} = ok {CLIPS}" in again.stdout
    assert contents(out) == contents(whole)
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("*.h5")} == before


def test_a_shard_that_is_damaged_or_gone_is_made_again(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    damaged, gone, kept = sorted(out.glob("*.h5"))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    gone.unlink()
    before = kept.stat().st_mtime_ns
    assert run(corpus, out, pipeline).returncode == 0
    assert contents(out) == contents(whole)
    assert kept.stat().st_mtime_ns == before


def test_another_manifest_or_pipeline_is_refused(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    other = tmp_path / "other.toml"
    other.write_text(pipeline.read_text().replace("winsize = 15", "winsize = 13"))
    for asked, said in (((pipeline, "--limit", 3), "another manifest"), ((other,), "another pipeline")):
        refused = run(corpus, out, *asked)
        assert refused.returncode == 2 and said in refused.stderr and "--overwrite" in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert contents(out) == contents(whole)
    (out / "thesis.h5").write_text("mine")
    anew = run(corpus, out, pipeline, "--limit", 3, "--overwrite")
    (out / "thesis.h5").unlink()  # still there
    assert anew.returncode == 0 and "found 3 = ok 3" in anew.stdout
    assert sorted(path.name for path in out.iterdir())[1:3] == ["grid-00000.h5", "grid-00001.h5"]


def test_other_versions_are_refused(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    about = json.loads((out / "dataset.json").read_text())
    about["versions"]["ffmpeg"] = "4.4"
    (out / "dataset.json").write_text(json.dumps(about))
    refused = run(corpus, out, pipeline)
    assert refused.returncode == 2 and "begun with ffmpeg 4.4, here is" in refused.stderr
    assert refused.stderr.count("\n") == 1
    # A machine of a cluster that has others than the one that asks.
    rows = read_manifest(whole / "manifest.csv")
    jobs = plan_tasks(corpus, rows, tmp_path, load_pipeline(str(pipeline)), predictor_path(), fail_fast=False)
    with pytest.raises(LipdataError, match="begun with dlib 1, on .* there is"):
        make_shard(replace(jobs[0], versions=jobs[0].versions | {"dlib": "1"}))


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_folder_of_somebody_elses_stays_as_it_is(
    corpus: Path, pipeline: Path, tmp_path: Path, overwrite: tuple[str, ...]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.h5").write_text("mine")
    refused = run(corpus, tmp_path / "out", pipeline, *overwrite)
    assert refused.returncode == 2 and "thesis.h5" in refused.stderr and refused.stderr.count("\n") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.h5"]


def test_a_killed_run_goes_on(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.DEVNULL, text=True) as process:
        until(lambda: (out / "grid-00000.h5").exists() or (out / "grid-00001.h5").exists(), process)
        workers = workers_of(process)
        process.kill()
    made = {path: path.stat().st_mtime_ns for path in out.glob("grid-*.h5")}
    again = run(corpus, out, pipeline)
    assert again.returncode == 0, again.stderr
    assert contents(out) == contents(whole)
    kept = [path for path, changed in made.items() if path.stat().st_mtime_ns == changed]
    # A shard may have been whole and not yet written down.
    assert len(kept) >= len(made) - 1
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.usefixtures("unhurried")
def test_a_worker_that_dies_costs_nothing_but_time(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.PIPE, text=True) as process:
        until(lambda: tallied(out, "grid-00001") == 1, process)
        os.kill(workers_of(process)[0], signal.SIGKILL)
        said = process.communicate()[1]
    assert process.returncode == 0, said
    assert contents(out) == contents(whole)


def test_the_server_that_workers_are_forked_from_dies_as_it_starts(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.PIPE, text=True) as process:
        until(lambda: bool(servers_of(process)), process)
        os.kill(servers_of(process)[0], signal.SIGKILL)
        said = process.communicate()[1]
    assert process.returncode == 0, said
    assert contents(out) == contents(whole)


@pytest.mark.usefixtures("unhurried")
def test_a_clip_that_kills_its_worker_twice_fails_and_no_other(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    name, guilty = "grid-00001", Shard(whole / "grid-00001.h5").clips[1].clip_id
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.PIPE, text=True) as process:
        for _ in range(2):
            until(lambda: tallied(out, name) == 1, process)  # at its second clip
            for worker in workers_of(process):
                os.kill(worker, signal.SIGKILL)
            until(lambda: tallied(out, name) == 0, process)  # begun again
        said = process.communicate()[1]
    assert process.returncode == 1, said
    table = read_ledger(out / "ledger.csv").set_index("clip_id")
    assert table[table.status == "failed"].index.tolist() == [guilty]
    assert (table.stage[guilty], table.reason[guilty]) == ("worker", "its worker died twice")
    for other in ("grid-00000.h5", "grid-00002.h5"):
        assert content_sha256(out / other) == content_sha256(whole / other)


def test_more_deaths_than_can_be_chance_do_not_end_the_run(
    corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{deadly_ffmpeg(tmp_path, str(corpus))}:{os.environ['PATH']}")
    ended = run(corpus, tmp_path / "out", pipeline)
    assert ended.returncode == 1, ended.stderr
    table = read_ledger(tmp_path / "out" / "ledger.csv")
    assert table.stage.tolist() == ["worker"] * CLIPS


def test_a_killed_ffmpeg_is_begun_again(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
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
        said = process.communicate()[1]
    assert killed == 2 and process.returncode == 0, said
    assert contents(out) == contents(whole)


def test_two_runs_in_one_folder(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / STATE_FOLDER).mkdir(parents=True)
    with (out / STATE_FOLDER / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = run(corpus, out, pipeline)
        assert refused.returncode == 2 and "another run is at work" in refused.stderr
    # Whoever held it is gone: the file alone is no lock.
    assert run(corpus, out, pipeline).returncode == 0
    assert contents(out) == contents(whole)


def test_a_clip_that_was_not_there_is_tried_again(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    mine, out = shutil.copytree(corpus, tmp_path / "mine"), tmp_path / "out"
    clip = mine / read_manifest(whole / "manifest.csv")[0].path
    clip.rename(tmp_path / "away")
    lacking = run(mine, out, pipeline, "--manifest", whole / "manifest.csv")
    assert lacking.returncode == 1 and f"ok {CLIPS - 1}" in lacking.stdout
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.h5")}
    assert run(mine, out, pipeline, "--manifest", whole / "manifest.csv").returncode == 1
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("*.h5")} == before
    (tmp_path / "away").rename(clip)
    assert run(mine, out, pipeline, "--manifest", whole / "manifest.csv").returncode == 0
    assert {path.name: content_sha256(path) for path in out.glob("*.h5")} == {
        path.name: content_sha256(path) for path in whole.glob("*.h5")
    }


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB: one shard and a half."""
    folder = tmp_path / "disk"
    folder.mkdir()
    asked = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("file systems may not be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room(
    whole: Path, corpus: Path, pipeline: Path, small_disk: Path
) -> None:
    out = small_disk / "out"
    full = run(corpus, out, pipeline)
    assert full.returncode == 2 and "Traceback" not in full.stderr
    said = full.stderr.splitlines()[-1]
    assert "No space left on device" in said and "make room, then run the same command" in said
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    made = {path: path.stat().st_mtime_ns for path in out.glob("grid-*.h5")}
    assert run(corpus, out, pipeline).returncode == 0
    assert contents(out) == contents(whole)
    assert all(path.stat().st_mtime_ns == changed for path, changed in made.items())


def test_a_folder_that_may_not_be_written(whole: Path, corpus: Path, pipeline: Path, small_disk: Path) -> None:
    out = small_disk / "out"
    subprocess.run(["mount", "-o", "remount,ro,size=64m", str(small_disk)], check=True)
    refused = run(corpus, out, pipeline)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert "Read-only file system; make the folder writable, then run the same command" in refused.stderr
    subprocess.run(["mount", "-o", "remount,rw,size=64m", str(small_disk)], check=True)
    assert run(corpus, out, pipeline).returncode == 0
    assert contents(out) == contents(whole)


@pytest.mark.usefixtures("unhurried")
def test_what_a_worker_left_while_it_wrote_is_taken_away(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.DEVNULL, text=True) as process:
        until(lambda: tallied(out, "grid-00001") == 1, process)
        (out / ".grid-00001.some-machine.123.part.h5").write_bytes(b"half")
        (out / ".thesis.part").write_text("mine")
    assert process.returncode == 0
    assert [path.name for path in out.glob(".*")] == [".thesis.part"]
    assert check_path(out) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("unhurried")
def test_a_run_that_is_ended_says_how_to_go_on(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path, number: signal.Signals
) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("these tests were started in the background, by nohup perhaps, where it is ignored")
    out = tmp_path / "out"
    asked = command(corpus, out, pipeline, "--overwrite")
    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        until(lambda: tallied(out, "grid-00001") == 1, process)
        # A terminal sends Ctrl-C to all processes of the run, the others come to one.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        said = process.communicate()[1]
    assert process.returncode == 130
    assert "whole shards are kept" in said and "Traceback" not in said and "overwrite" not in said
    assert said.splitlines()[-1].startswith(f"next: lipdata ingest {corpus} -o {out}")
    assert run(corpus, out, pipeline).returncode == 0
    assert contents(out) == contents(whole)


@pytest.mark.usefixtures("unhurried")
def test_the_second_of_two_runs_is_refused(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.DEVNULL, text=True) as process:
        until(lambda: tallied(out, "grid-00001") >= 0, process)
        refused = run(corpus, out, pipeline)
    assert refused.returncode == 2 and "another run is at work" in refused.stderr
    assert process.returncode == 0 and contents(out) == contents(whole)


def test_a_ledger_that_was_edited_is_not_taken_for_true(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(whole, tmp_path / "out")
    told = (out / "ledger.csv").read_text()
    (out / "ledger.csv").write_text(told.replace(",75,", ",74,", 1))
    assert (out / "ledger.csv").read_text() != told
    refused = run(corpus, out, pipeline)
    assert refused.returncode == 2 and "ledger.csv is not what ingest wrote" in refused.stderr
    assert len(check_path(out)) >= 1


def test_nothing_outlives_a_run_that_is_killed(
    corpus: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A worker that waits for a hung ffmpeg, and one that was never given work.
    path = f"{deadly_ffmpeg(tmp_path, '.mpg', 'exec sleep 600')}:{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    asked = command(corpus, tmp_path / "out", pipeline, "--limit", 1)
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True) as process:
        until(lambda: any(below(worker) for worker in workers_of(process)), process)
        family = below(process.pid)
        process.kill()
    assert len(family) > 3
    for _ in range(200):
        left = [pid for pid in family if _alive(pid)]
        if not left:
            break
        time.sleep(0.1)
    assert not left


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
