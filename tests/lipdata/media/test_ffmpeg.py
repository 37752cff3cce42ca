"""The ffmpeg that is chosen, one that hangs, and a run that is suspended."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from lipdata.errors import ClipError
from lipdata.media import ffmpeg_binary, ffmpeg_is_supported, ffmpeg_version
from tests.lipdata.command_line import lipdata, require_one_line
from tests.lipdata.media.made_up import read
from tests.lipdata.scripted_ffmpeg import scripted_ffmpeg


@pytest.mark.usefixtures("use_ffmpeg")
def test_the_bundled_ffmpeg_is_the_default_whatever_path_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = sorted(Path(str(resources.files("imageio_ffmpeg"))).glob("binaries/ffmpeg-*"))[-1]
    scripted_ffmpeg(tmp_path, "nothing")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("LIPDATA_FFMPEG", raising=False)
    ffmpeg_binary.cache_clear()
    assert ffmpeg_binary() == str(bundled)


def test_lipdata_ffmpeg_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use_ffmpeg: Callable[[Path], None]
) -> None:
    version = ffmpeg_version(ffmpeg_binary())
    script = scripted_ffmpeg(tmp_path, "nothing")
    use_ffmpeg(script)
    assert ffmpeg_binary() == str(script) and ffmpeg_version(str(script)) == version
    # A bare name is looked up in PATH.
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    use_ffmpeg(Path("ffmpeg"))
    assert ffmpeg_binary() == str(script)


SLOW_NAMES = [pytest.param(name, marks=pytest.mark.slow) for name in ("no-such-ffmpeg", "/usr")]


@pytest.mark.parametrize("name", ["/usr/bin/none", *SLOW_NAMES])
def test_a_missing_ffmpeg_is_one_line(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("LIPDATA_FFMPEG", name)
    ran = lipdata("ingest", clips, "-o", tmp_path / "out")
    require_one_line(ran, f"LIPDATA_FFMPEG names {name}, which is no program; unset it, or name an ffmpeg")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("version", "supported"),
    [("4.4.2", False), ("5.0.1", False), ("5.1.9-0+deb12u1", True), ("n7.1-dev", True), ("99.0", False), ("?", False)],
)
def test_versions_that_the_tests_have_not_seen_are_not_supported(tmp_path: Path, version: str, supported: bool) -> None:
    script = scripted_ffmpeg(tmp_path, "-version", f"echo 'ffmpeg version {version} Copyright (c)'; exit")
    assert ffmpeg_version(str(script)) == version
    assert ffmpeg_is_supported(str(script)) == supported


@pytest.mark.parametrize("as_script", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_hung_ffmpeg_is_ended(
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    use_ffmpeg: Callable[[Path], None],
    as_script: bool,
) -> None:
    hangs = tmp_path / "ffmpeg"
    # As a script that starts another program: that one holds our files.
    hangs.write_text(f"#!/bin/sh\n{'sleep 600; exit' if as_script else 'exec sleep 600'}\n")
    hangs.chmod(0o755)
    use_ffmpeg(hangs)
    monkeypatch.setattr("lipdata.media.ffmpeg.TIMEOUT_S", 1)
    with pytest.raises(ClipError, match="ffmpeg: ffmpeg did not end within 1 s and was stopped"):
        read(clips / "s1" / "bbaf2n.mpg")


@pytest.mark.slow
def test_the_time_for_which_a_run_is_suspended_does_not_count(clips: Path) -> None:
    code = "import sys, pathlib, lipdata.media as m, lipdata.media.ffmpeg as f; "
    code += "f.TIMEOUT_S = 3; print('ready', flush=True); "
    code += "print(len(m.decode_clip(pathlib.Path(sys.argv[1]), fps=25, sample_rate_hz=44100).frames))"
    command = [sys.executable, "-c", code, str(clips / "s1" / "bbaf2n.mpg")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)
        process.send_signal(signal.SIGCONT)
        assert process.communicate()[0] == "75\n"
