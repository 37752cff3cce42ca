"""Files that are whole or not there, and locks that end with their process."""

import subprocess
import sys
from pathlib import Path

import pytest

from lipdata.atomic_files import atomic_path, exclusive_lock, remove_partial_files, write_atomic
from lipdata.errors import LipdataError


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    write_atomic(target, b"first")
    with pytest.raises(RuntimeError), atomic_path(target) as hidden:
        hidden.write_bytes(b"half")
        raise RuntimeError
    assert target.read_bytes() == b"first" and [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    with pytest.raises(LipdataError, match="there is no folder .*none; make it first"):
        write_atomic(tmp_path / "none" / "a.csv", b"")


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from lipdata.atomic_files import atomic_path\n"
    code += "with atomic_path(Path(sys.argv[1])) as hidden: hidden.write_bytes(b'half'); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "a.h5"], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a.") and left.suffix == ".h5"
    (tmp_path / ".thesis.part").write_text("mine")
    remove_partial_files(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".thesis.part"]


def test_a_lock_is_held_by_one_and_ends_with_its_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from lipdata.atomic_files import exclusive_lock\n"
    code += "with exclusive_lock(Path(sys.argv[1]), 'out'): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with (
            pytest.raises(LipdataError, match="another run is at work in out"),
            exclusive_lock(tmp_path / "lock", "out"),
        ):
            pass
        process.kill()
        process.wait()
    with exclusive_lock(tmp_path / "lock", "out"):
        assert (tmp_path / "lock").exists()
