"""A run that is interrupted by a signal, and two runs in one folder."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.lipdata.command_line import require_one_line
from tests.lipdata.ingestion.disturb import clips_done, command, contents, run, until


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("slowed_down")
def test_an_interrupted_run_names_the_command_that_goes_on(
    whole: Path, corpus: Path, pipeline: Path, tmp_path: Path, number: signal.Signals
) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("these tests were started in the background, by nohup perhaps, where it is ignored")
    out = tmp_path / "out"
    arguments = command(corpus, out, pipeline, "--overwrite")
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        until(lambda: clips_done(out, "grid-00001") == 1, process)
        # A terminal sends Ctrl-C to all processes of the run; the other signals come to one.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        errors = process.communicate()[1]
    assert process.returncode == 130
    assert "whole shards are kept" in errors and "Traceback" not in errors and "overwrite" not in errors
    assert errors.splitlines()[-1].startswith(f"next: lipdata ingest {corpus} -o {out}")
    assert run(corpus, out, pipeline).returncode == 0
    assert contents(out) == contents(whole)


@pytest.mark.slow
@pytest.mark.usefixtures("slowed_down")
def test_the_second_of_two_runs_is_refused(whole: Path, corpus: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(corpus, out, pipeline), stderr=subprocess.DEVNULL, text=True) as process:
        until(lambda: clips_done(out, "grid-00001") >= 0, process)
        refused = run(corpus, out, pipeline)
    require_one_line(refused, "another run is at work")
    assert process.returncode == 0 and contents(out) == contents(whole)
