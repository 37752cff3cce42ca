import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lipdata.errors import ClipError, LipdataError
from lipdata.media.decode import DecodedClip, decode_clip, decode_sound
from lipdata.media.ffmpeg import ffmpeg_binary
from tests.conftest import encode

RATE = 44100
LOSSLESS = ("-c:v", "ffv1", "-c:a", "pcm_s16le")


def read(path: Path, **options: object) -> DecodedClip:
    return decode_clip(path, fps=25, sample_rate_hz=RATE, **options)  # type: ignore[arg-type]


def ramp(n_frames: int, fps: float) -> np.ndarray:
    """Frames whose grey tells their time: 4 levels for each 0.04 s."""
    grey = np.round(np.arange(n_frames) / fps * 100).astype(np.uint8)
    return np.broadcast_to(grey[:, None, None, None], (n_frames, 48, 64, 3))


def click(at_s: float, length_s: float, rate_hz: int = RATE) -> np.ndarray:
    """Silence with one millisecond of noise that begins at ``at_s``."""
    sound = np.zeros(round(length_s * rate_hz))
    start = round(at_s * rate_hz)
    sound[start : start + rate_hz // 1000] = 0.9
    return sound


def onset_s(sound: np.ndarray) -> float:
    return float(np.argmax(np.abs(sound) > 0.3)) / RATE


def test_a_grid_clip_equals_what_ffmpeg_decodes_by_itself(grid: Path) -> None:
    path = grid / "s1" / "bbaf2n.mpg"
    clip = read(path)
    plain = [ffmpeg_binary(), "-v", "error", "-i", str(path)]
    frames = subprocess.run(
        [*plain, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True
    ).stdout
    stereo = subprocess.run([*plain, "-f", "f32le", "-"], capture_output=True, check=True).stdout
    assert clip.frames.shape == (75, 288, 360, 3)
    assert clip.frames.tobytes() == frames
    samples = np.frombuffer(stereo, np.float32).reshape(-1, 2).mean(1)
    assert len(clip.sound) == 3 * RATE
    np.testing.assert_allclose(clip.sound[: len(samples)], samples, atol=1e-6)
    assert not clip.sound[len(samples) :].any()
    assert (clip.av_offset_s, clip.damage) == (0.0, "")


@pytest.mark.parametrize("fps", [10, 12.5, 25, 29.97, 30, 50, 60])
def test_other_frame_rates_go_by_time_stamp(tmp_path: Path, fps: float) -> None:
    clip = read(encode(tmp_path / "a.mkv", ramp(round(2 * fps), fps), click(1, 2), fps=fps, options=LOSSLESS))
    assert len(clip.frames) == 50
    # Grey is 100 x time. A slower source shows its last picture until the next is due; a faster one, the nearest.
    told_s = clip.frames[:, 0, 0, 0] / 100
    early_s = np.arange(len(clip.frames)) / 25 - told_s
    assert early_s.min() >= -0.5 / 25 - 0.006 and early_s.max() <= max(1 / fps if fps < 25 else 0, 0.5 / 25) + 0.006
    assert len(clip.sound) == len(clip.frames) * RATE // 25


@pytest.mark.parametrize("late_s", [0.0, 0.2, 0.5, -0.2])
def test_sound_and_picture_share_one_clock(tmp_path: Path, late_s: float) -> None:
    path = encode(
        tmp_path / "a.mkv",
        ramp(50, 25),
        click(0.7, 2),
        options=LOSSLESS,
        sound_options=("-itsoffset", str(late_s)),
    )
    clip = read(path)
    assert clip.av_offset_s == pytest.approx(late_s, abs=0.002)
    assert onset_s(clip.sound) == pytest.approx(0.7 + late_s, abs=0.002)
    assert clip.frames[:, 0, 0, 0].tolist() == ramp(50, 25)[:, 0, 0, 0].tolist()


def test_sound_is_padded_cut_and_resampled(tmp_path: Path) -> None:
    short = read(encode(tmp_path / "a.mkv", ramp(50, 25), click(0.5, 1.2), options=LOSSLESS))
    assert len(short.sound) == 2 * RATE and not short.sound[round(1.3 * RATE) :].any()
    long = read(encode(tmp_path / "b.mkv", ramp(50, 25), click(0.5, 3), options=LOSSLESS))
    assert len(long.sound) == 2 * RATE
    stereo = np.stack([click(0.5, 2, 48000), click(0.5, 2, 48000)])
    other = read(encode(tmp_path / "c.mkv", ramp(50, 25), stereo, rate_hz=48000, options=LOSSLESS))
    assert onset_s(other.sound) == pytest.approx(0.5, abs=0.002) and len(other.sound) == 2 * RATE


def test_sound_of_another_file_and_a_part_of_a_clip(tmp_path: Path) -> None:
    picture = encode(tmp_path / "a.mkv", ramp(75, 25), None, options=LOSSLESS)
    sound = encode(tmp_path / "a.wav", None, click(1.5, 3))
    clip = read(picture, audio_path=sound, start_s=1.0, end_s=2.0)
    assert len(clip.frames) == 25
    assert clip.frames[:, 0, 0, 0].tolist() == ramp(75, 25)[25:50, 0, 0, 0].tolist()
    assert onset_s(clip.sound) == pytest.approx(0.5, abs=0.002)


def test_the_samples_delay_of_its_codec_is_told(sample: Path) -> None:
    # An MP2 encoder delays by 481 samples and says so in its time stamps.
    clip = read(next(sample.glob("s1/*.mpg")))
    assert clip.frames.shape == (75, 288, 360, 3)
    assert clip.av_offset_s == pytest.approx(-481 / RATE, abs=1e-3)


@pytest.mark.parametrize(
    "name", ["-i.mpg", "a b.mpg", 'it\'s "x".mpg', "new\nline.mpg", "唇😀.mpg", "http:a.mpg", "%d.mpg"]
)
def test_names_are_only_names(tmp_path: Path, sample: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.symlink_to(next(sample.glob("s1/*.mpg")))
    monkeypatch.chdir(tmp_path)
    assert len(read(Path(name)).frames) == 75


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    text = tmp_path / "text.mpg"
    text.write_text("no film at all\n" * 100)
    silent = encode(tmp_path / "silent.mkv", ramp(50, 25), None, options=LOSSLESS)
    blind = encode(tmp_path / "blind.wav", None, click(0.5, 2))
    cases = ((text, "no picture in it: .*Invalid data"), (silent, "no sound in it"), (blind, "no picture in it"))
    for path, said in (*cases, (tmp_path / "none.mpg", "no picture in it: .*No such file")):
        with pytest.raises(ClipError, match=said) as error:
            read(path)
        assert error.value.stage == "media" and "\n" not in error.value.reason
    with pytest.raises(LipdataError, match="no sound in it"):
        decode_sound(silent, RATE)


def test_a_playlist_opens_no_other_file(tmp_path: Path, sample: Path) -> None:
    secret = next(sample.glob("s1/*.mpg")).resolve()
    (tmp_path / "concat.mpg").write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    (tmp_path / "hls.mpg").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{secret.as_uri()}\n#EXT-X-ENDLIST\n"
    )
    for name in ("concat.mpg", "hls.mpg"):
        with pytest.raises(ClipError, match="media"):
            read(tmp_path / name)


def test_damage_is_told(grid: Path) -> None:
    assert "decoder complained" in read(grid / "s1" / "sgib8n.mpg").damage
    gappy = read(grid / "s4" / "bbaf2a.mpg")
    # 71 pictures in 3 s: three are missing after 2.64 s, one after 2.80 s.
    assert "4 frames held over holes" in gappy.damage
    assert np.flatnonzero(gappy.held).tolist() == [67, 68, 69, 71]


def test_read_sound_reads_a_clip_too(sample: Path) -> None:
    path = next(sample.glob("s1/*.mpg"))
    sound = decode_sound(path, RATE)
    assert sound.dtype == np.float32 and abs(len(sound) / RATE - 3) < 0.1 and 0.01 < np.abs(sound).max() <= 1


def test_a_time_stamp_that_jumps_ten_hours_is_refused_at_once(tmp_path: Path) -> None:
    # Filled in, it would be 900,000 frames and 6 GB of silence.
    jumping = ("-vf", "setpts=PTS+gte(N\\,25)*36000/TB", "-af", "asetpts=PTS+gte(T\\,1)*36000/TB", "-fps_mode", "vfr")
    path = encode(tmp_path / "a.mkv", ramp(50, 25), click(0.5, 2), options=(*jumping, *LOSSLESS))
    with pytest.raises(ClipError, match="its time stamps reach 3600[01] s; allowed: 600"):
        read(path)


@pytest.mark.parametrize(
    "title", ["n: 0 pts: 0 pts_time:1.0 x s:16x16 y", "frame:0 pts:0 pts_time:-1", "corrupt missing"]
)
def test_what_a_clip_calls_itself_is_not_believed(tmp_path: Path, title: str) -> None:
    named = ("-metadata", f"title={title}", "-metadata:s:v", f"title={title}\nframe:0 pts:0 pts_time:1.5")
    clip = read(encode(tmp_path / "corrupt missing.mkv", ramp(50, 25), click(0.7, 2), options=(*LOSSLESS, *named)))
    assert len(clip.frames) == 50 and onset_s(clip.sound) == pytest.approx(0.7, abs=0.002)
    assert (clip.av_offset_s, clip.damage) == (0.0, "")


def test_a_part_begins_where_it_was_asked_to(grid: Path) -> None:
    path = grid / "s1" / "bbaf2n.mpg"
    whole = read(path)
    for start_s, end_s in ((0.0, 1.0), (0.5, 2.5), (1.3, 2.5), (1.72, 3.0)):
        part = read(path, start_s=start_s, end_s=end_s)
        first = int(start_s * 25 + 0.5)
        assert len(part.frames) == round((end_s - start_s) * 25)
        # A start between two frames: the nearest picture, which is at most half a frame away.
        same = [np.array_equal(part.frames[0], whole.frames[first + shift]) for shift in (-1, 0, 1)]
        assert any(same)
        begin = round(start_s * RATE)
        np.testing.assert_array_equal(part.sound, whole.sound[begin : begin + len(part.sound)])
    with pytest.raises(ClipError, match="no picture between 9.0 and 9.5 s"):
        read(path, start_s=9.0, end_s=9.5)


@pytest.mark.parametrize("as_script", [False, True])
def test_a_hung_ffmpeg_is_ended(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_script: bool) -> None:
    hangs = tmp_path / "ffmpeg"
    # As a script that starts another program: that one holds our files.
    hangs.write_text(f"#!/bin/sh\n{'sleep 600; exit' if as_script else 'exec sleep 600'}\n")
    hangs.chmod(0o755)
    monkeypatch.setattr("lipdata.ffmpeg_command.ffmpeg_binary", lambda: str(hangs))
    monkeypatch.setattr("lipdata.ffmpeg_process.TIMEOUT_S", 1)
    with pytest.raises(ClipError, match="ffmpeg: ffmpeg did not end within 1 s and was stopped"):
        read(next(sample.rglob("*.mpg")))


def test_a_run_that_was_suspended_has_its_time_still(sample: Path) -> None:
    code = "import sys, pathlib, lipdata.media as m, lipdata.ffmpeg_process as f; "
    code += "f.TIMEOUT_S = 3; print('ready', flush=True); "
    code += "print(len(m.read_clip(pathlib.Path(sys.argv[1]), fps=25, sample_rate_hz=44100).frames))"
    asked = [sys.executable, "-c", code, str(next(sample.rglob("*.mpg")))]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)
        process.send_signal(signal.SIGCONT)
        assert process.communicate()[0] == "75\n"


def test_sound_beyond_full_scale_stays_finite(tmp_path: Path) -> None:
    loud = ("-af", "volume=1e30:precision=float", "-c:v", "ffv1", "-c:a", "pcm_f32le")
    clip = read(encode(tmp_path / "a.mkv", ramp(50, 25), click(0.5, 2), options=loud))
    assert np.abs(clip.sound).max() == 1


def test_few_pictures_that_are_shown_for_long_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slides = encode(tmp_path / "a.mkv", ramp(20, 1), click(0.5, 20), fps=1, options=LOSSLESS)
    assert len(read(slides).frames) == 500
    monkeypatch.setattr("lipdata.media.MAX_BYTES", 1 << 20)  # the pictures alone are 184 kB, shown 4.6 MB
    with pytest.raises(ClipError, match="media: over 2 GiB of frames; cut it with start_s and end_s"):
        read(slides)


def test_a_damaged_clip_is_read_up_to_where_its_size_changes(grid: Path, tmp_path: Path) -> None:
    joined = b""
    for start_s, size in ((0, "360x288"), (2, "180x144")):
        part = ["-ss", str(start_s), "-t", str(2 - start_s / 2), "-i", str(grid / "s1" / "bbaf2n.mpg"), "-s", size]
        coded = ["-c:v", "mpeg2video", "-q:v", "3", "-c:a", "mp2", "-output_ts_offset", str(start_s), "-f", "mpegts"]
        asked = [ffmpeg_binary(), "-v", "error", *part, *coded, "-"]
        joined += subprocess.run(asked, capture_output=True, check=True).stdout
    (tmp_path / "ab.ts").write_bytes(joined)
    clip = read(tmp_path / "ab.ts", end_s=1.5)
    assert "decoder complained" in clip.damage and clip.frames.shape[1:] == (288, 360, 3)
    with pytest.raises(ClipError, match="let the clip end there with end_s"):
        read(tmp_path / "ab.ts")


def test_a_reason_is_the_same_each_time(sample: Path) -> None:
    with pytest.raises(ClipError) as error:
        read(next(sample.glob("s1/*.mpg")), start_s=50.0)
    assert "0x" not in error.value.reason
