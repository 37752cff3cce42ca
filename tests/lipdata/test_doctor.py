"""``lipdata doctor``: what is missing, and the command that mends it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lipdata.command_line import lipdata
from tests.lipdata.scripted_ffmpeg import scripted_ffmpeg


@pytest.mark.slow
def test_doctor_finds_this_machine_fit() -> None:
    ran = lipdata("doctor")
    assert ran.returncode == 0, ran.stdout
    assert "ok      ffmpeg: " in ran.stdout and "MISSING" not in ran.stdout


@pytest.mark.slow
def test_doctor_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A Python without dlib, and an ffmpeg that is too old.
    old = scripted_ffmpeg(tmp_path, "-version", "echo ffmpeg version 4.4.2; exit")
    monkeypatch.setenv("LIPDATA_FFMPEG", str(old))
    code = "import sys; sys.modules['dlib'] = None; from lipdata.cli import main; main(['doctor'])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and "Traceback" not in ran.stderr
    assert "MISSING dlib-bin" in ran.stdout and "-> pip install dlib-bin" in ran.stdout
    assert f"MISSING ffmpeg: 4.4.2, {old}" in ran.stdout and "unset LIPDATA_FFMPEG" in ran.stdout
