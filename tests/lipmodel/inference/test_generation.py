"""The MP4 that generate writes, and what it refuses."""

import subprocess

import cv2
import numpy as np
import pytest

from lipdata.errors import LipdataError
from lipdata.media.ffmpeg import ffmpeg_binary
from lipmodel.inference.face_image import read_mouth_image
from lipmodel.inference.generation import write_video
from tests.lipmodel.media_files import decoded, described, write_photo, write_speech


@pytest.mark.parametrize(("seconds", "n_frames"), [(0.05, 1), (3.13, 78)])
def test_the_video_has_a_frame_for_every_fortieth_of_a_second(model, crop, tmp_path, seconds, n_frames):
    speech, out = write_speech(tmp_path / "speech.wav", seconds), tmp_path / "out.mp4"
    line = write_video(model, crop, speech, out, overwrite=False)
    assert decoded(out).shape == (n_frames, 256, 256, 3)
    assert f"{n_frames} frames" in line and "taken as a mouth crop" in line


def test_codecs_and_sound(model, crop, tmp_path):
    out = tmp_path / "out.mp4"
    write_video(model, crop, write_speech(tmp_path / "speech.wav", 1.0, rate_hz=16000), out, overwrite=False)
    for part in ("h264", "yuv420p(tv, bt709", "256x256", "25 fps", "aac", "44100 Hz"):
        assert part in described(out)


@pytest.mark.slow
def test_speech_may_come_from_a_video(model, crop, tmp_path):
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    write_video(model, crop, write_speech(tmp_path / "speech.wav", 1.0), first, overwrite=False)
    write_video(model, crop, first, second, overwrite=False)
    assert len(decoded(second)) == pytest.approx(25, abs=1)  # AAC rounds the sound up to its own frames


def test_names_that_look_like_options_and_protocols(model, crop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    speech = write_speech(tmp_path / "-http:speech, 'x'.wav", 0.64)
    out = tmp_path / "-y concat:out %03d.mp4"
    write_video(model, crop, speech.relative_to(tmp_path), out.relative_to(tmp_path), overwrite=False)
    assert len(decoded(out)) == 16


def test_the_lips_go_back_into_the_photo(model, photo, speech, tmp_path):
    write_video(model, photo, speech, tmp_path / "out.mp4", face=True, overwrite=False)
    frames = decoded(tmp_path / "out.mp4").astype(int)
    assert frames.shape == (16, 300, 300, 3) and "aac" in described(tmp_path / "out.mp4")
    left, top, right, bottom = read_mouth_image(photo, model.run.pipeline).box.astype(int)
    changed = np.abs(frames - cv2.imread(str(photo))[..., ::-1]).mean((0, 3))
    assert changed[top + 10 : bottom - 10, left + 10 : right - 10].mean() > 15
    changed[top:bottom, left:right] = 0
    assert changed.mean() < 3  # H.264 keeps the rest


def refused(model, image, audio, out, match, **options):
    with pytest.raises(LipdataError, match=match) as refusal:
        write_video(model, image, audio, out, overwrite=False, **options)
    assert "\n" not in str(refusal.value)


def test_an_existing_output_is_kept_unless_allowed(model, crop, speech, tmp_path):
    out = tmp_path / "out.mp4"
    out.write_text("mine")
    refused(model, crop, speech, out, "out.mp4 exists; choose another name with -o, or allow --overwrite")
    assert out.read_text() == "mine"
    write_video(model, crop, speech, out, overwrite=True)
    assert len(decoded(out)) == 16


def test_mistakes_are_reported_in_one_line(model, crop, speech, tmp_path):
    out = tmp_path / "out.mp4"
    faceless = tmp_path / "wall.png"
    cv2.imwrite(str(faceless), np.full((200, 300, 3), 128, np.uint8))
    short = write_speech(tmp_path / "short.wav", 0.01)
    silent = tmp_path / "silent.mp4"
    command = [ffmpeg_binary(), "-loglevel", "error", "-f", "lavfi", "-i", "color=s=64x64:d=1", silent]
    subprocess.run(command, check=True)
    refused(model, faceless, speech, out, "wall.png: no face .* or a mouth crop: square, at most 128 px")
    refused(model, speech, speech, out, "speech.wav is no picture")
    refused(model, tmp_path / "none.png", speech, out, "cannot read .*none.png: No such file")
    refused(model, crop, silent, out, "silent.mp4: no sound in it")
    refused(model, crop, crop, out, "crop.png: a kind of file that lipdata does not open")
    refused(model, crop, short, out, r"0.010 s of sound; allowed: 0.04 s \(a frame\) or more")
    refused(model, crop, speech, tmp_path / "no" / "out.mp4", "there is no folder")
    refused(model, crop, speech, out, "crop.png: no face in it to put the lips into", face=True)
    assert not out.exists() and not list(tmp_path.glob(".*part*"))


def test_a_face_that_ends_above_the_mouth(model, speech, tmp_path):
    photo = write_photo(tmp_path / "photo.png", rows=140)
    refused(model, photo, speech, tmp_path / "out.mp4", "photo.png: no face found in the image of 300x140")
