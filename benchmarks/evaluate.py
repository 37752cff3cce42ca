"""How long does it take to measure a run, the model's own time aside, and which metric takes it?

    python benchmarks/evaluate.py shards      # about 4 minutes on two cores; writes docs/benchmarks/evaluate.md

In place of a model, each clip is given the real mouths of the next one: they cost what generated ones cost.
"""

import time
from collections.abc import Callable
from pathlib import Path

import click
import joblib
import numpy as np
from cpbd import compute as cpbd_of_the_package
from page import machine, publish

from lipdata.face.dlib_detector import DlibDetector, predictor_path
from lipdata.shards.reader import open_shards
from lipdata.shards.schema import STRIDE, WINDOW
from lipmodel.evaluation.markdown import markdown_table
from lipmodel.evaluation.measure import measure_clips
from lipmodel.evaluation.test_set import EvaluationClip
from lipmodel.metrics.blur_detection import cpbd
from lipmodel.metrics.landmark_distance import OwnFace, TemplateFace, lmd, lmd_template
from lipmodel.metrics.luma import to_luma
from lipmodel.metrics.peak_signal_to_noise import squared_error, squared_error_uint8
from lipmodel.metrics.structural_similarity import ssim

TIMED_CLIPS, ROUNDS = 4, 3
TEXT = """# What measuring costs

Each metric alone, on one core: all that it needs for the generated windows of a clip, real frames included, which
overlapping windows share. Medians over {timed} clips of the best of {rounds} rounds. Written by
`python benchmarks/evaluate.py SHARDS`.

{machine}

{table}

CPBD of a stack of frames is {ratio:.0f} times as fast as the package cpbd-py312 frame by frame, timed in turn in this
run ({package_ms:.2f} ms a frame).

**All of `lipmodel evaluate` but the model: {clips} clips, {windows} windows, three videos, {jobs} processes:
{seconds:.0f} s**, {rate:.1f} windows/s.
"""


def windows_of(clip: EvaluationClip, frames: np.ndarray) -> np.ndarray:
    """Frames as the windows of ``clip``; the last frame is repeated [shape=(N, T, 64, 64, 3)]."""
    return frames[clip.index.clip(None, len(frames) - 1)]


def works(clip: EvaluationClip, fake: np.ndarray, predictor: Path) -> dict[str, Callable[[], object]]:
    """What each metric has to do for a clip."""
    data, finder = clip.data(), DlibDetector(predictor)
    frames, flat = data.frames[: clip.index.max() + 1], fake.reshape(-1, *fake.shape[2:])
    real = frames[clip.index.ravel()]
    own = OwnFace(data.face, data.face_lips, finder)
    template = TemplateFace(finder)
    rows = clip.index.ravel()
    return {
        "LMD": lambda: lmd(own.landmarks(frames)[rows], own.landmarks(flat)),
        "LMD template": lambda: lmd_template(template.landmarks(frames)[rows], template.landmarks(flat)),
        "SSIM": lambda: ssim(real, flat),
        "PSNR": lambda: squared_error(real, flat),
        "PSNR uint8": lambda: squared_error_uint8(real, flat),
        "CPBD": lambda: cpbd(to_luma(flat)),
    }


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def package_s(frames: np.ndarray) -> float:
    """What the package needs for a frame, in seconds."""
    return seconds(lambda: [cpbd_of_the_package(frame) for frame in to_luma(frames)]) / len(frames)


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path, exists=True))
@click.option("--clips", "n_clips", default=100, show_default=True, help="Of the whole evaluation.")
def main(shards: Path, n_clips: int) -> None:
    about, predictor = machine(), predictor_path()
    held = [
        EvaluationClip(shard, clip.clip_id, clip.speaker, clip.length, WINDOW, STRIDE)
        for shard in open_shards(shards)
        for clip in shard.clips
        if clip.length >= WINDOW
    ]
    nexts = {clip.clip_id: other for clip, other in zip(held, [*held[1:], held[0]], strict=True)}

    def made(clip: EvaluationClip) -> np.ndarray:
        return windows_of(clip, nexts[clip.clip_id].data().frames)

    timed = held[:: max(1, len(held) // TIMED_CLIPS)][:TIMED_CLIPS]
    of_clips = [works(clip, made(clip), predictor) for clip in timed]
    best: dict[str, list[float]] = {
        name: [
            min(seconds(work[name]) for _ in range(ROUNDS)) / len(clip.index)
            for clip, work in zip(timed, of_clips, strict=True)
        ]
        for name in of_clips[0]
    }
    theirs_s = [package_s(clip.data().frames[::5]) for clip in timed]
    medians = {name: float(np.median(times)) for name, times in best.items()}  # seconds a window
    rows = [
        [name, f"{1000 * of_window:.2f}", f"{1000 * of_window / WINDOW:.3f}", f"{1 / of_window:.0f}"]
        for name, of_window in medians.items()
    ]
    some = held[:n_clips]
    began_s = time.perf_counter()
    measure_clips(some, made)
    whole_s = time.perf_counter() - began_s
    windows = sum(len(clip.index) for clip in some)
    text = TEXT.format(
        timed=len(timed),
        rounds=ROUNDS,
        machine=about,
        table=markdown_table(["metric", "ms a window", "ms a frame", "windows/s"], rows),
        ratio=np.median(theirs_s) / (medians["CPBD"] / WINDOW),
        package_ms=1000 * np.median(theirs_s),
        clips=len(some),
        windows=windows,
        jobs=joblib.cpu_count(),
        seconds=whole_s,
        rate=windows / whole_s,
    )
    publish("evaluate", text)


if __name__ == "__main__":
    main()
