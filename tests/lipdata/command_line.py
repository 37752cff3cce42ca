"""The command lipdata as a user runs it: in a process of its own, or, where a test runs many, in this one."""

import subprocess
import sys

from click.testing import CliRunner

from lipdata.cli import main


def lipdata(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lipdata", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def lipdata_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """As ``lipdata``, in this process: two thirds of a second faster, and not for a command that starts workers."""
    result = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


def require_one_line(ran: subprocess.CompletedProcess[str], *texts: str) -> None:
    """A mistake of the user's: exit status 2 and one line on stderr, with these texts in it."""
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert ran.stderr.count("\n") == 1 and ran.stderr.startswith("lipdata: "), ran.stderr
    for text in texts:
        assert text in ran.stderr, ran.stderr
