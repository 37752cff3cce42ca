"""Progress on a terminal."""

import os
import pty
import re
import subprocess
import sys

import pytest

from lipmodel.config import save_run
from tests.lipmodel.run_files import CONTINUE


@pytest.mark.slow
def test_a_narrow_terminal_shows_how_far_it_is(run_of, tmp_path):
    folder, run = run_of(ready=True)
    save_run(folder, run)
    ours, theirs = pty.openpty()
    small = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen([sys.executable, "-c", CONTINUE, str(folder)], stderr=theirs, env=small)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    assert process.wait() == 0
    last = re.split(rb"\x1b\[[0-9;?]*[A-Za-z]|\r|\n", shown)
    bar = b"".join(last[-60:])
    for part in (rb"gan", rb"6/6", rb"total \d", rb"windows/s", rb"% waiting", rb"\d:\d\d:\d\d"):
        assert re.search(part, bar), (part, bar)


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
