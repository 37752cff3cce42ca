"""A file system that is full, and one that is read-only: small ones, mounted for the test."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lipdata.command_line import require_one_line
from tests.lipdata.ingestion.disturb import contents, run, times_of_shards

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB: one shard and a half."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems may not be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room(
    whole: Path, corpus: Path, pipeline: Path, small_disk: Path
) -> None:
    out = small_disk / "out"
    full = run(corpus, out, pipeline)
    assert full.returncode == 2 and "Traceback" not in full.stderr
    last = full.stderr.splitlines()[-1]
    assert "No space left on device" in last and "make room, then run the same command" in last
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    before = times_of_shards(out)
    assert run(corpus, out, pipeline).returncode == 0
    assert contents(out) == contents(whole)
    assert before.items() <= times_of_shards(out).items()


def test_a_read_only_folder_is_one_line(whole: Path, corpus: Path, pipeline: Path, small_disk: Path) -> None:
    out = small_disk / "out"
    subprocess.run(["mount", "-o", "remount,ro,size=64m", str(small_disk)], check=True)
    refused = run(corpus, out, pipeline)
    require_one_line(refused, "Read-only file system; make the folder writable, then run the same command")
    subprocess.run(["mount", "-o", "remount,rw,size=64m", str(small_disk)], check=True)
    assert run(corpus, out, pipeline).returncode == 0
    assert contents(out) == contents(whole)
