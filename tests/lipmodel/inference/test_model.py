"""A loaded model: files and arrays give the same video, which is what the command writes."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

import lipmodel
from lipdata.errors import LipdataError
from lipdata.media import ffmpeg_binary
from tests.lipmodel.cli.calls import call
from tests.lipmodel.media_files import RATE_HZ, tone


def read_rgb(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)


@pytest.fixture
def float_speech(tmp_path: Path) -> Path:
    """``tone`` of 16 frames as mono float32: decoded, it is the same array."""
    path = tmp_path / "float.wav"
    soundfile.write(path, tone(0.64), RATE_HZ, subtype="FLOAT")
    return path


def refused(match, function, *arguments, **options):
    with pytest.raises(LipdataError, match=match) as refusal:
        function(*arguments, **options)
    assert "\n" not in str(refusal.value)


def test_load_takes_a_run_folder(random_run):
    model = lipmodel.load(str(random_run))
    assert repr(model) == f"Model({str(random_run)!r}, variant e, preset tiny, step 2)"
    assert lipmodel.load(random_run, best=True).step == 1


def test_load_without_a_usable_run_is_refused(random_run, tmp_path):
    refused("no weights that make a video come with lipmodel yet; give a run folder", lipmodel.load)
    refused("is no run folder: it has no config.json", lipmodel.load, tmp_path)
    (tmp_path / "config.json").write_bytes((random_run / "config.json").read_bytes())
    refused("has no checkpoint; train with: lipmodel fit", lipmodel.load, tmp_path)


def test_files_and_arrays_give_the_same_video(model, crop, float_speech):
    from_files = model.generate(crop, str(float_speech))
    from_arrays = model.generate(read_rgb(crop), tone(0.64), sample_rate_hz=RATE_HZ)
    assert from_files.frames.shape == (16, 64, 64, 3) and from_files.frames.dtype == np.uint8
    assert (from_files.fps, from_files.sample_rate_hz) == (25, RATE_HZ)
    np.testing.assert_array_equal(from_files.sound, from_arrays.sound)
    np.testing.assert_array_equal(from_files.frames, from_arrays.frames)
    np.testing.assert_array_equal(from_files.sound, tone(0.64))


def test_sound_of_another_rate_is_resampled(model, crop):
    video = model.generate(read_rgb(crop), tone(1.0, 16000).astype(np.float64), sample_rate_hz=16000)
    assert len(video.frames) == 25 and video.sound.shape == (RATE_HZ,) and video.sound.dtype == np.float32
    # The tone starts and stops within a sample, which a rate of 16 kHz cannot show: that is all the difference.
    assert np.corrcoef(video.sound, tone(1.0))[0, 1] > 0.99


def test_a_photo_gives_mouths_or_the_whole_face(model, photo):
    image, sound = read_rgb(photo), tone(0.16)
    mouths = model.generate(image, sound, sample_rate_hz=RATE_HZ)
    whole = model.generate(image, sound, sample_rate_hz=RATE_HZ, face=True)
    assert mouths.frames.shape == (4, 64, 64, 3) and whole.frames.shape == (4, 300, 300, 3)
    changed = (whole.frames != image).any((0, 3))
    assert changed[110:190].any() and not changed[:110].any() and not changed[190:].any()  # the place of its mouth
    np.testing.assert_array_equal(model.generate(photo, sound, sample_rate_hz=RATE_HZ, face=True).frames, whole.frames)


def test_arrays_of_another_kind_are_refused(model, crop):
    image, sound = read_rgb(crop), tone(0.16)
    refused("an image of float32 .*; allowed: uint8 RGB", model.generate, image.astype(np.float32), sound)
    refused("an image of uint8 .64, 64.; allowed", model.generate, image[..., 0], sound)
    rate = {"sample_rate_hz": RATE_HZ}
    refused("at None Hz; allowed: float, .n,., with sample_rate_hz", model.generate, image, sound)
    refused("audio is int16 ", model.generate, image, (sound * 32767).astype(np.int16), **rate)
    refused(r"audio is float32 \(7056, 2\)", model.generate, image, np.stack([sound, sound], 1), **rate)
    refused("the audio has 0.000 s of sound", model.generate, image, sound[:0], **rate)
    refused("the image: no face in it to put the lips into", model.generate, image, sound, face=True, **rate)


@pytest.mark.parametrize("face", [False, True])
def test_the_command_encodes_the_frames_of_generate(random_run, model, photo, speech, tmp_path, monkeypatch, face):
    """An ffmpeg that keeps what it is given on stdin shows the frames before they are encoded."""
    script, raw = tmp_path / "ffmpeg-that-keeps", tmp_path / "frames.rgb"
    real = ffmpeg_binary()
    keep = f'case "$*" in *pipe:0*) tee "{raw}" | "{real}" "$@";; *) exec "{real}" "$@";; esac'
    script.write_text(f"#!/bin/sh\n{keep}\n")
    script.chmod(0o755)
    expected = model.generate(photo, speech, face=face).frames
    options = ["--face"] if face else []
    with monkeypatch.context() as patched:
        patched.setenv("LIPDATA_FFMPEG", os.fspath(script))
        ffmpeg_binary.cache_clear()
        done = call("generate", random_run, "--image", photo, "--audio", speech, *options, "-o", tmp_path / "out.mp4")
    ffmpeg_binary.cache_clear()
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(np.frombuffer(raw.read_bytes(), np.uint8).reshape(expected.shape), expected)
