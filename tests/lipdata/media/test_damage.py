"""Which pictures count as damaged: those that differ when the same clip is decoded before and after the damage."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from lipdata.errors import ClipError
from lipdata.media import decode_clip, ffmpeg_binary
from lipdata.media.damage import concealed_shares
from tests.lipdata.hostile.damaged import flip
from tests.lipdata.scripted_ffmpeg import scripted_ffmpeg

RATES = {"fps": 25, "sample_rate_hz": 44100}
CODINGS = {
    "h264": ("-c:v", "libx264", "-g", "250", "-bf", "0"),
    "mpeg1video": ("-c:v", "mpeg1video", "-q:v", "3", "-g", "12"),
    "mpeg4": ("-c:v", "mpeg4", "-q:v", "3", "-g", "15", "-bf", "2"),
    "ffv1": ("-c:v", "ffv1", "-level", "3"),
    "mjpeg": ("-c:v", "mjpeg", "-q:v", "3"),
}


def damaged(clip: Path, coding: str, pictures: tuple[int, ...], out: Path) -> Path:
    """The clip anew in this coding, and a piece in the middle of these pictures lost."""
    coded = ["-threads", "1", *CODINGS[coding], "-c:a", "pcm_s16le", str(out)]
    subprocess.run([ffmpeg_binary(), "-v", "error", "-i", str(clip), *coded], check=True)
    content = bytearray(out.read_bytes())
    # AVI: a name, a length, and the picture as it is coded.
    found = [match.end() for match in re.finditer(b"00dc", content) if match.start() > content.index(b"movi")]
    for start in (found[picture] + 4 for picture in pictures):
        length = int.from_bytes(content[start - 4 : start], "little")
        middle, piece = start + length // 2, min(200, length // 4)
        content[middle : middle + piece] = b"\xff" * piece
    out.write_bytes(content)
    return out


def pictures_of(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Each picture that ffmpeg alone decodes [shape=(n, H * W)], and when it is due."""
    raw = ["-vf", "showinfo", "-f", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-"]
    done = subprocess.run([ffmpeg_binary(), "-v", "info", "-i", str(path), *raw], capture_output=True, check=True)
    times_s = re.findall(rb"showinfo.* n: .*pts_time:(\S+)", done.stderr)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, 288 * 360), np.array(times_s, float)


def shares_of(path: Path, times_s: np.ndarray, *part: str) -> list[float]:
    nothing = ["-debug_ts", "-threads", "1", *part, "-i", str(path), "-f", "null", "-"]
    done = subprocess.run([ffmpeg_binary(), "-v", "info", *nothing], capture_output=True, text=True, check=True)
    return concealed_shares(done.stderr, times_s).tolist()


# Fast: one picture of the three codings that are most common.
PICTURES = [(50,), pytest.param((7, 40), marks=pytest.mark.slow), pytest.param((70, 71), marks=pytest.mark.slow)]
FAST_AND_SLOW_CODINGS = [pytest.param(name, marks=[pytest.mark.slow] * (name in ("ffv1", "mjpeg"))) for name in CODINGS]


@pytest.mark.parametrize("coding", FAST_AND_SLOW_CODINGS)
@pytest.mark.parametrize("pictures", PICTURES)
def test_damaged_pictures_are_found(clips: Path, tmp_path: Path, coding: str, pictures: tuple[int, ...]) -> None:
    clip = clips / "s1" / "bbaf2n.mpg"
    sound = damaged(clip, coding, (), tmp_path / "sound.avi")
    broken = damaged(clip, coding, pictures, tmp_path / "broken.avi")
    right, times_s = pictures_of(sound)
    assert not any(shares_of(sound, times_s))
    differs = (pictures_of(broken)[0] != right).any(1)
    shares = shares_of(broken, times_s)
    assert differs.tolist() == [share > 0 for share in shares]
    # Of a part: the same, though decoding begins before it.
    assert shares_of(broken, times_s[55:] - 2, "-ss", "2") == shares[55:]


def test_damage_that_lasts_is_refused_and_damage_that_heals_is_reported(clips: Path, tmp_path: Path) -> None:
    clip = clips / "s1" / "bbaf2n.mpg"
    with pytest.raises(ClipError, match=r"^media: decoder complained \d+ times, 75 of 75 frames damaged: too many$"):
        decode_clip(damaged(clip, "h264", (0,), tmp_path / "first.avi"), **RATES)
    late = decode_clip(damaged(clip, "h264", (60,), tmp_path / "late.avi"), **RATES)
    assert re.fullmatch(r"decoder complained \d+ times, 1[56] of 75 frames damaged", late.damage)
    heals = decode_clip(damaged(clip, "mpeg1video", (0,), tmp_path / "heals.avi"), **RATES)
    assert re.fullmatch(r"decoder complained \d+ times, 1[23] of 7[56] frames damaged.*", heals.damage)


@pytest.mark.parametrize(("name", "seed"), [("s1/bbaf2n", 1), pytest.param("s26/bgbsza", 20, marks=pytest.mark.slow)])
def test_a_damaged_clip_is_the_same_each_time(clips: Path, tmp_path: Path, name: str, seed: int) -> None:
    content = bytearray((clips / f"{name}.mpg").read_bytes())
    flip(content, Random(seed))
    (tmp_path / "a.mpg").write_bytes(content)
    read = {decode_clip(tmp_path / "a.mpg", **RATES).frames.tobytes() for _ in range(4)}
    assert len(read) == 1


@pytest.mark.slow
def test_an_ffmpeg_killed_over_a_damaged_clip_runs_again(
    clips: Path, tmp_path: Path, use_ffmpeg: Callable[[Path], None]
) -> None:
    clip = damaged(clips / "s1" / "bbaf2n.mpg", "h264", (60,), tmp_path / "a.avi")
    undisturbed = decode_clip(clip, **RATES)
    killed = tmp_path / "killed"
    does = f"[ -e {killed} ] || {{ touch {killed}; kill -9 $$; }}"
    use_ffmpeg(scripted_ffmpeg(tmp_path, "-debug_ts", does))
    again = decode_clip(clip, **RATES)
    assert killed.exists() and again.damage == undisturbed.damage
    assert again.frames.tobytes() == undisturbed.frames.tobytes()


@pytest.mark.slow
def test_damaged_clips_of_grid(grid: Path) -> None:
    assert "decoder complained" in decode_clip(grid / "s1" / "sgib8n.mpg", **RATES).damage
    gappy = decode_clip(grid / "s4" / "bbaf2a.mpg", **RATES)
    # 71 pictures in 3 s: three are missing after 2.64 s, one after 2.80 s.
    assert "4 frames held over holes" in gappy.damage
    assert np.flatnonzero(gappy.held).tolist() == [67, 68, 69, 71]


def test_a_damaged_clip_is_read_up_to_where_its_size_changes(clips: Path, tmp_path: Path) -> None:
    joined = b""
    for start_s, size in ((0, "360x288"), (2, "180x144")):
        part = ["-ss", str(start_s), "-t", str(2 - start_s / 2), "-i", str(clips / "s1" / "bbaf2n.mpg"), "-s", size]
        coded = ["-c:v", "mpeg2video", "-q:v", "3", "-c:a", "mp2", "-output_ts_offset", str(start_s), "-f", "mpegts"]
        command = [ffmpeg_binary(), "-v", "error", *part, *coded, "-"]
        joined += subprocess.run(command, capture_output=True, check=True).stdout
    (tmp_path / "ab.ts").write_bytes(joined)
    clip = decode_clip(tmp_path / "ab.ts", **RATES, end_s=1.5)
    assert "decoder complained" in clip.damage and clip.frames.shape[1:] == (288, 360, 3)
    with pytest.raises(ClipError, match="let the clip end there with end_s"):
        decode_clip(tmp_path / "ab.ts", **RATES)
