"""The same command again: it goes on, changes nothing that is whole, and refuses what was begun otherwise."""

import fcntl
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lipdata.analysis import check_path
from lipdata.config import load_pipeline
from lipdata.corpus import read_manifest, scan_corpus, write_manifest
from lipdata.errors import LipdataError
from lipdata.ingestion.resume import STATE_FOLDER
from lipdata.ingestion.task import plan_tasks
from lipdata.ingestion.worker import make_shard
from lipdata.shards import content_sha256
from tests.lipdata.command_line import require_one_line
from tests.lipdata.ingestion.disturb import CLIPS, contents, run, times_of_shards


def test_one_worker_and_another_order_of_rows_make_the_same_bytes(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    # ``whole`` was made by two workers, from the folder.
    rows = scan_corpus(corpus, load_pipeline(str(pipeline)).corpus).rows
    write_manifest(tmp_path / "m.csv", rows)
    header, *lines = (tmp_path / "m.csv").read_text().splitlines()
    (tmp_path / "m.csv").write_text("\n".join([header, *reversed(lines)]) + "\n")
    alone = run(corpus, tmp_path / "out", pipeline, "--manifest", tmp_path / "m.csv", "-j", 1)
    assert alone.returncode == 0, alone.stderr
    assert len(list(whole.glob("*.h5"))) == 3
    assert contents(tmp_path / "out") == contents(whole)
    for path in whole.glob("*.h5"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_the_same_command_on_what_is_done_changes_nothing(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    before = times_of_shards(out)
    again = run(corpus, out, pipeline)
    assert again.returncode == 0 and f"found {CLIPS} = ok {CLIPS}" in again.stdout
    assert contents(out) == contents(whole)
    assert times_of_shards(out) == before


@pytest.mark.slow
def test_a_shard_that_is_damaged_or_gone_is_made_again(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
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
    other = tmp_path / "other.toml"
    other.write_text(pipeline.read_text().replace("winsize = 15", "winsize = 13"))
    before = contents(whole)
    require_one_line(run(corpus, whole, pipeline, "--limit", 3), "another manifest", "--overwrite")
    require_one_line(run(corpus, whole, other), "another pipeline", "--overwrite")
    assert contents(whole) == before


@pytest.mark.slow
def test_overwrite_removes_what_ingest_made_and_nothing_else(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    (out / "thesis.h5").write_text("mine")
    anew = run(corpus, out, pipeline, "--limit", 1, "--overwrite")
    assert anew.returncode == 0 and "found 1 = ok 1" in anew.stdout
    names = ["dataset.json", "grid-00000.h5", "ledger.csv", "manifest.csv", "thesis.h5"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert (out / "thesis.h5").read_text() == "mine"


def test_other_versions_are_refused(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    about = json.loads((out / "dataset.json").read_text())
    about["versions"]["ffmpeg"] = "4.4"
    (out / "dataset.json").write_text(json.dumps(about))
    require_one_line(run(corpus, out, pipeline), "begun with ffmpeg 4.4, here is")
    # A machine of a cluster with other versions than those where the run began.
    rows = read_manifest(whole / "manifest.csv")
    task = plan_tasks(corpus, rows, tmp_path, load_pipeline(str(pipeline)), None, fail_fast=False)[0]
    with pytest.raises(LipdataError, match="begun with dlib 1, on .* there is"):
        make_shard(replace(task, versions=dict(task.versions) | {"dlib": "1"}))


@pytest.mark.parametrize("overwrite", [("--overwrite",), pytest.param((), marks=pytest.mark.slow)])
def test_a_folder_that_no_ingest_made_stays_as_it_is(
    corpus: Path, pipeline: Path, tmp_path: Path, overwrite: tuple[str, ...]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.h5").write_text("mine")
    require_one_line(run(corpus, tmp_path / "out", pipeline, *overwrite), "thesis.h5")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.h5"]


def test_a_ledger_that_was_edited_is_refused(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    before = (out / "ledger.csv").read_text()
    (out / "ledger.csv").write_text(before.replace(",75,", ",74,", 1))
    assert (out / "ledger.csv").read_text() != before
    require_one_line(run(corpus, out, pipeline), "ledger.csv is not what ingest wrote")
    assert len(check_path(out)) >= 1


def test_a_folder_that_is_locked_is_refused(corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / STATE_FOLDER).mkdir(parents=True)
    with (out / STATE_FOLDER / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        require_one_line(run(corpus, out, pipeline), "another run is at work")
    assert [path.name for path in out.iterdir()] == [STATE_FOLDER]


@pytest.mark.slow
def test_a_clip_that_was_missing_is_tried_again(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    mine, out = Path(shutil.copytree(corpus, tmp_path / "mine")), tmp_path / "out"
    clip = mine / read_manifest(whole / "manifest.csv")[0].path
    clip.rename(tmp_path / "away")
    manifest = ("--manifest", whole / "manifest.csv")
    lacking = run(mine, out, pipeline, *manifest)
    assert lacking.returncode == 1 and f"ok {CLIPS - 1}" in lacking.stdout
    before = times_of_shards(out)
    assert run(mine, out, pipeline, *manifest).returncode == 1
    assert times_of_shards(out) == before
    (tmp_path / "away").rename(clip)
    assert run(mine, out, pipeline, *manifest).returncode == 0
    shards = [{path.name: content_sha256(path) for path in folder.glob("*.h5")} for folder in (out, whole)]
    assert shards[0] == shards[1]
