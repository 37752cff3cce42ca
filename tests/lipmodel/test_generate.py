import subprocess

import cv2
import numpy as np
import pytest
import soundfile

from lipdata.errors import LipdataError
from lipdata.media import ffmpeg_binary
from lipmodel import config
from lipmodel.fit import fit
from lipmodel.generate import generate, load_generator, speak
from lipmodel.picture import read_mouth

RATE_HZ = 44100


@pytest.fixture
def run(run_of):
    folder, run = run_of(steps=2)
    fit(folder, run, resume=False)
    return folder


@pytest.fixture
def crop(tmp_path):
    path = tmp_path / "crop.png"
    image = np.full((64, 64, 3), (90, 130, 200), np.uint8)
    cv2.ellipse(image, (32, 34), (20, 7), 0, 0, 360, (60, 60, 160), -1)
    cv2.imwrite(str(path), image)
    return path


def write_speech(path, seconds, rate_hz=RATE_HZ):
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = 0.3 * np.sin(2 * np.pi * 220 * time_s) * (np.sin(2 * np.pi * 2 * time_s) > 0)
    soundfile.write(path, np.stack([tone, tone], axis=1), rate_hz)
    return path


def decoded(path):
    """The frames of a video, RGB."""
    raw = ["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    command = [ffmpeg_binary(), "-loglevel", "error", "-i", path, *raw]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(content, np.uint8).reshape(-1, 256, 256, 3)


@pytest.mark.parametrize(("seconds", "n_frames"), [(0.05, 1), (0.64, 16), (2.5, 62), (3.13, 78)])
def test_the_video_has_a_frame_for_every_fortieth_of_a_second(run, crop, tmp_path, seconds, n_frames):
    speech, out = write_speech(tmp_path / "speech.wav", seconds), tmp_path / "out.mp4"
    line = generate(run, crop, speech, out, overwrite=False)
    assert len(decoded(out)) == n_frames
    assert f"{n_frames} frames" in line and "taken as a mouth crop" in line


def test_codecs_and_sound(run, crop, tmp_path):
    out = tmp_path / "out.mp4"
    generate(run, crop, write_speech(tmp_path / "speech.wav", 1.0, rate_hz=16000), out, overwrite=False)
    told = subprocess.run([ffmpeg_binary(), "-i", out], capture_output=True, text=True).stderr
    for part in ("h264", "yuv420p", "256x256", "25 fps", "aac", "44100 Hz"):
        assert part in told


def test_speech_may_come_from_a_video(run, crop, tmp_path):
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    generate(run, crop, write_speech(tmp_path / "speech.wav", 1.0), first, overwrite=False)
    generate(run, crop, first, second, overwrite=False)
    assert len(decoded(second)) == pytest.approx(25, abs=1)  # AAC rounds the sound up to its own frames


def test_names_that_look_like_options_and_protocols(run, crop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    speech = write_speech(tmp_path / "-http:speech, 'x'.wav", 0.64)
    out = tmp_path / "-y concat:out %03d.mp4"
    generate(run, crop, speech.relative_to(tmp_path), out.relative_to(tmp_path), overwrite=False)
    assert len(decoded(out)) == 16


def test_steady_sound_gives_the_same_frames_in_every_window(run, crop, tmp_path):
    """So neither blending nor taking several windows at once leaves a mark; both ends stand alone."""
    settings = config.load(run)
    generator, step = load_generator(run, settings)
    assert step == 2
    mouth = read_mouth(crop, settings.pipeline).crop
    frames = np.array(list(speak(generator, mouth, np.zeros(RATE_HZ * 8, np.float32), 200, settings)))
    assert frames.shape == (200, 64, 64, 3) and frames.dtype == np.uint8
    blocks = frames[8:192].reshape(23, 8, 64, 64, 3).astype(int)
    assert np.abs(blocks - blocks[0]).max() <= 1


def test_a_photo_with_a_face(run):
    photo = pytest.importorskip("skimage.data").astronaut()
    path = run / "face.png"
    cv2.imwrite(str(path), cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))
    mouth = read_mouth(path, config.load(run).pipeline)
    assert mouth.crop.shape == (64, 64, 3) and mouth.origin.startswith("mouth found at x 1")


def refused(run, image, audio, out, match):
    with pytest.raises(LipdataError, match=match) as refusal:
        generate(run, image, audio, out, overwrite=False)
    assert "\n" not in str(refusal.value)


def test_an_existing_output_is_kept_unless_allowed(run, crop, tmp_path):
    speech, out = write_speech(tmp_path / "speech.wav", 0.64), tmp_path / "out.mp4"
    out.write_text("mine")
    refused(run, crop, speech, out, "out.mp4 exists; choose another name with -o, or allow --overwrite")
    assert out.read_text() == "mine"
    generate(run, crop, speech, out, overwrite=True)
    assert len(decoded(out)) == 16


def test_mistakes_are_told_in_one_line(run, crop, tmp_path):
    speech, out = write_speech(tmp_path / "speech.wav", 0.64), tmp_path / "out.mp4"
    faceless = tmp_path / "wall.png"
    cv2.imwrite(str(faceless), np.full((200, 300, 3), 128, np.uint8))
    short = write_speech(tmp_path / "short.wav", 0.01)
    silent = tmp_path / "silent.mp4"
    command = [ffmpeg_binary(), "-loglevel", "error", "-f", "lavfi", "-i", "color=s=64x64:d=1", silent]
    subprocess.run(command, check=True)
    refused(run, faceless, speech, out, "wall.png: no face .* or a mouth crop: square, at most 128 px")
    refused(run, speech, speech, out, "speech.wav is no picture")
    refused(run, tmp_path / "none.png", speech, out, "cannot read .*none.png: No such file")
    refused(run, crop, silent, out, "silent.mp4: no sound in it")
    refused(run, crop, crop, out, "crop.png: a kind of file that lipdata does not open")
    refused(run, crop, short, out, r"0.010 s of sound; allowed: 0.04 s \(a frame\) or more")
    refused(run, crop, speech, tmp_path / "no" / "out.mp4", "there is no folder")
    refused(tmp_path, crop, speech, out, "is no run folder: it has no config.json")
    assert not out.exists() and not list(tmp_path.glob(".*part*"))


def test_a_run_without_a_checkpoint_is_told(run, crop, tmp_path):
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    speech = write_speech(tmp_path / "speech.wav", 1.0)
    refused(run, crop, speech, tmp_path / "out.mp4", "has no checkpoint; train with: lipmodel fit")
