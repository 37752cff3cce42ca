import re
import subprocess

import cv2
import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from lipdata.errors import LipdataError
from lipdata.media.ffmpeg import ffmpeg_binary
from lipmodel.cli.main import main
from lipmodel.config import load_run
from lipmodel.inference.face_image import read_mouth_image
from lipmodel.inference.generation import write_video
from lipmodel.inference.synthesis import chosen_checkpoint, synthesise
from tests.lipmodel.untrained import generator_of, untrained

RATE_HZ = 44100


@pytest.fixture
def run(shards_folder, tmp_path):
    untrained(tmp_path / "run", shards_folder, {1: 0.2, 2: 0.3})
    return tmp_path / "run"


@pytest.fixture
def crop(tmp_path):
    path = tmp_path / "crop.png"
    image = np.full((64, 64, 3), (90, 130, 200), np.uint8)
    cv2.ellipse(image, (32, 34), (20, 7), 0, 0, 360, (60, 60, 160), -1)
    cv2.imwrite(str(path), image)
    return path


def write_photo(path, rows=None):
    """A photo of 512 x 512 pixels with a face, or its upper rows."""
    photo = pytest.importorskip("skimage.data").astronaut()[:rows]
    cv2.imwrite(str(path), cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))
    return path


def write_speech(path, seconds, rate_hz=RATE_HZ):
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = 0.3 * np.sin(2 * np.pi * 220 * time_s) * (np.sin(2 * np.pi * 2 * time_s) > 0)
    soundfile.write(path, np.stack([tone, tone], axis=1), rate_hz)
    return path


def told(path):
    return subprocess.run([ffmpeg_binary(), "-i", path], capture_output=True, text=True).stderr


def decoded(path):
    """The frames of a video, RGB."""
    width, height = map(int, re.search(r"Video: .* (\d+)x(\d+)", told(path)).groups())
    raw = ["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    command = [ffmpeg_binary(), "-loglevel", "error", "-i", path, *raw]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(content, np.uint8).reshape(-1, height, width, 3)


@pytest.mark.parametrize(("seconds", "n_frames"), [(0.05, 1), (0.64, 16), (2.5, 62), (3.13, 78)])
def test_the_video_has_a_frame_for_every_fortieth_of_a_second(run, crop, tmp_path, seconds, n_frames):
    speech, out = write_speech(tmp_path / "speech.wav", seconds), tmp_path / "out.mp4"
    line = write_video(run, crop, speech, out, overwrite=False)
    assert decoded(out).shape == (n_frames, 256, 256, 3)
    assert f"{n_frames} frames" in line and "taken as a mouth crop" in line


def test_codecs_and_sound(run, crop, tmp_path):
    out = tmp_path / "out.mp4"
    write_video(run, crop, write_speech(tmp_path / "speech.wav", 1.0, rate_hz=16000), out, overwrite=False)
    for part in ("h264", "yuv420p(tv, bt709", "256x256", "25 fps", "aac", "44100 Hz"):
        assert part in told(out)


def test_speech_may_come_from_a_video(run, crop, tmp_path):
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    write_video(run, crop, write_speech(tmp_path / "speech.wav", 1.0), first, overwrite=False)
    write_video(run, crop, first, second, overwrite=False)
    assert len(decoded(second)) == pytest.approx(25, abs=1)  # AAC rounds the sound up to its own frames


def test_names_that_look_like_options_and_protocols(run, crop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    speech = write_speech(tmp_path / "-http:speech, 'x'.wav", 0.64)
    out = tmp_path / "-y concat:out %03d.mp4"
    write_video(run, crop, speech.relative_to(tmp_path), out.relative_to(tmp_path), overwrite=False)
    assert len(decoded(out)) == 16


def silence(first, end):
    return np.full((end - first, 4, 128), -100, np.float32)


def test_steady_sound_gives_the_same_frames_in_every_window(run, crop):
    """So neither blending nor taking several windows at once leaves a mark; both ends stand alone."""
    settings = load_run(run)
    generator = generator_of(run, settings)
    mouth = read_mouth_image(crop, settings.pipeline).crop
    frames = np.array(list(synthesise(generator, mouth, silence, 200, settings)))
    assert frames.shape == (200, 64, 64, 3) and frames.dtype == np.uint8
    blocks = frames[8:192].reshape(23, 8, 64, 64, 3).astype(int)
    assert np.abs(blocks - blocks[0]).max() <= 1


@pytest.mark.parametrize("variant", ["e", "vondrick", "chung"])
def test_every_generator_speaks(shards_folder, tmp_path, variant):
    settings = untrained(tmp_path / "run", shards_folder, {1: None}, variant=variant)
    generator = generator_of(tmp_path / "run", settings)
    frames = np.array(list(synthesise(generator, np.zeros((64, 64, 3), np.uint8), silence, 21, settings)))
    assert frames.shape == (21, 64, 64, 3)


def test_the_newest_and_the_best_checkpoint(run, shards_folder, tmp_path):
    settings = load_run(run)
    assert [chosen_checkpoint(run, settings, best=best)[1] for best in (False, True)] == [2, 1]
    newest, best = generator_of(run, settings), generator_of(run, settings, best=True)
    assert not torch.equal(next(newest.parameters()), next(best.parameters()))
    untrained(tmp_path / "other", shards_folder, {1: None})
    with pytest.raises(LipdataError, match="other was not measured on validation clips"):
        chosen_checkpoint(tmp_path / "other", settings, best=True)


def test_a_photo_with_a_face(run, tmp_path):
    photo = write_photo(tmp_path / "photo.png")
    mouth = read_mouth_image(photo, load_run(run).pipeline)
    assert mouth.crop.shape == (64, 64, 3) and mouth.origin.startswith("mouth found at x 1")


def test_the_lips_go_back_into_the_photo(run, tmp_path):
    photo, speech = write_photo(tmp_path / "photo.png"), write_speech(tmp_path / "speech.wav", 0.64)
    write_video(run, photo, speech, tmp_path / "out.mp4", face=True, overwrite=False)
    frames = decoded(tmp_path / "out.mp4").astype(int)
    assert frames.shape == (16, 512, 512, 3) and "aac" in told(tmp_path / "out.mp4")
    left, top, right, bottom = read_mouth_image(photo, load_run(run).pipeline).box.astype(int)
    changed = np.abs(frames - cv2.imread(str(photo))[..., ::-1]).mean((0, 3))
    assert changed[top + 10 : bottom - 10, left + 10 : right - 10].mean() > 15
    changed[top:bottom, left:right] = 0
    assert changed.mean() < 3  # H.264 keeps the rest


def refused(run, image, audio, out, match, **options):
    with pytest.raises(LipdataError, match=match) as refusal:
        write_video(run, image, audio, out, overwrite=False, **options)
    assert "\n" not in str(refusal.value)


def test_an_existing_output_is_kept_unless_allowed(run, crop, tmp_path):
    speech, out = write_speech(tmp_path / "speech.wav", 0.64), tmp_path / "out.mp4"
    out.write_text("mine")
    refused(run, crop, speech, out, "out.mp4 exists; choose another name with -o, or allow --overwrite")
    assert out.read_text() == "mine"
    write_video(run, crop, speech, out, overwrite=True)
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
    refused(run, crop, speech, out, "crop.png: no face in it to put the lips into", face=True)
    refused(tmp_path, crop, speech, out, "is no run folder: it has no config.json")
    assert not out.exists() and not list(tmp_path.glob(".*part*"))


def test_a_face_that_ends_above_the_mouth(run, tmp_path):
    photo, speech = write_photo(tmp_path / "photo.png", rows=140), write_speech(tmp_path / "speech.wav", 0.64)
    refused(run, photo, speech, tmp_path / "out.mp4", "photo.png: no face found in the image of 512x140")


def test_a_run_without_a_checkpoint_is_told(run, crop, tmp_path):
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    speech = write_speech(tmp_path / "speech.wav", 1.0)
    refused(run, crop, speech, tmp_path / "out.mp4", "has no checkpoint; train with: lipmodel fit")


def call(*arguments):
    return CliRunner().invoke(main, ["generate", *map(str, arguments)])


def test_the_command(run, crop, shards_folder, tmp_path):
    speech, out = write_speech(tmp_path / "speech.wav", 0.64), tmp_path / "out.mp4"
    spoken = call(run, "--image", crop, "--audio", speech, "--best", "-o", out)
    assert spoken.exit_code == 0 and "of step 1" in spoken.stdout
    assert spoken.stdout.endswith(f"next: ffplay {out}\n")
    shown = call(run, "--clip", shards_folder, "s1/b", "-o", out, "--overwrite")
    assert shown.exit_code == 0 and "24 frames" in shown.stdout and shown.stdout.endswith(f"next: ffplay {out}\n")


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ([], "Give --image PHOTO and --audio SPEECH, or --clip SHARDS ID"),
        (["--image", "a.png"], "Give --image PHOTO and --audio SPEECH"),
        (["--audio", "a.wav", "--face"], "Give --image PHOTO and --audio SPEECH"),
        (["--clip", "shards", "s1/a", "--image", "a.png"], "leave out --image, --audio and --face"),
        (["--clip", "shards", "s1/a", "--audio", "a.wav"], "leave out --image, --audio and --face"),
        (["--clip", "shards", "s1/a", "--face"], "leave out --image, --audio and --face"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, given, match):
    result = call(tmp_path, *given, "-o", tmp_path / "out.mp4")
    assert result.exit_code == 2 and result.stdout == ""
    assert match in result.stderr and result.stderr.count("\n") == 1
