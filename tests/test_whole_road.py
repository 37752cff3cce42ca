"""Corpus -> shards -> generator -> video, as a newcomer walks it: by the commands alone."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from lipdata.corpus import read_manifest, write_manifest
from lipdata.media.ffmpeg import ffmpeg_binary

FEW = ("s1/bbaf2n", "s2/bbbf6s", "s26/bgbsza")


def run(*arguments: object) -> str:
    """Run a package as a program; what it prints on stdout."""
    # Threads of torch that wait for each other take four times as long where other work fills the cores.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", *map(str, arguments)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def decoded(video: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frames and sound of an MP4, by ffmpeg itself."""
    plain = [ffmpeg_binary(), "-v", "error", "-i", str(video)]
    to_rgb = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    frames = subprocess.run([*plain, *to_rgb], capture_output=True, check=True).stdout
    sound = subprocess.run([*plain, "-f", "f32le", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(frames, np.uint8).reshape(-1, 256, 256, 3), np.frombuffer(sound, np.float32)


def walk(corpus: Path, folder: Path, image: Path, audio: Path, *ingest: object) -> tuple[np.ndarray, np.ndarray]:
    run("lipdata", "ingest", corpus, "-o", folder / "shards", "-j", 2, *ingest)
    run("lipdata", "check", folder / "shards")
    few = ["--flow-steps", 2, "--autoencoder-steps", 2, "--steps", 2, "--batch", 2]
    run("lipmodel", "fit", folder / "shards", "-o", folder / "run", "--preset", "tiny", *few)
    run("lipmodel", "generate", folder / "run", "--image", image, "--audio", audio, "-o", folder / "lips.mp4")
    assert (folder / "run" / "samples" / "step-2.png").exists()
    return decoded(folder / "lips.mp4")


def test_real_clips(clips: Path, tmp_path: Path) -> None:
    clip = clips / "s22" / "lbbc2a.mpg"
    photo = tmp_path / "photo.png"
    subprocess.run([ffmpeg_binary(), "-v", "error", "-i", str(clip), "-frames:v", "1", str(photo)], check=True)
    assert cv2.imread(str(photo)).shape == (288, 360, 3)
    few = [row for row in read_manifest(clips / "manifest.csv") if row.clip_id in FEW]
    write_manifest(tmp_path / "few.csv", few)
    frames, _ = walk(clips, tmp_path, photo, clip, "--manifest", tmp_path / "few.csv")
    plain = [ffmpeg_binary(), "-v", "error", "-i", str(clip), "-vn", "-ac", "1", "-f", "s16le", "-"]
    samples = len(subprocess.run(plain, capture_output=True, check=True).stdout) // 2
    assert len(frames) == round(25 * samples / 44100) == 74  # its sound ends 22 ms before its picture


@pytest.mark.slow
def test_the_synthetic_corpus(sample: Path, tmp_path: Path) -> None:
    frames, sound = walk(sample, tmp_path, sample / "faces" / "t3.png", next(sample.glob("t3/*.mpg")))
    assert len(frames) == 75 and abs(len(sound) / 44100 - 3) < 0.1
    assert np.abs(sound).max() > 0.05
