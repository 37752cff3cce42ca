"""How long should the crop box be averaged? Flow in speech over flow in silence, on GRID's own word times.

    python benchmarks/smoothing.py ../shared/grid      # about 4 minutes on two cores; writes docs/smoothing.md

A box that jitters moves the whole picture, in silence as in speech: the larger the ratio, the more of the flow is lips.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from lipdata.config import load_pipeline
from lipdata.errors import ClipError
from lipdata.face.crop import crop_frames, mouth_boxes
from lipdata.face.dlib_detector import DlibDetector, predictor_path
from lipdata.face.tracking import track_face
from lipdata.features.optical_flow import farneback_flow
from lipdata.media.decode import decode_clip

TICKS_PER_S = 25_000
SPEAKERS = ("s1", "s26", "s31")
TEXT = """# How long the crop box is averaged

Mean flow magnitude in speech over that in silence; GRID's `.align` files say which is which. Clips: {counts}.
Written by `python benchmarks/smoothing.py GRID`.

{table}

Without smoothing more than half of the flow in silence is the box's own jitter. The default, `lips.smooth_frames` in
`pipelines/grid.toml`, is the best by the mean of those that can follow a head. One box for the whole clip does
better for two of these three speakers, who sit still before a camera; it is no choice where heads move.
"""
WINDOWS = (1, 5, 9, 15, 25, 149)


def flow_of(paths: list[Path]) -> list[dict[str, object]]:
    """The rows of several clips, with one predictor."""
    finder = DlibDetector(predictor_path())
    return [row for path in paths for row in flow_by_window(path, finder)]


def flow_by_window(path: Path, finder: DlibDetector) -> Iterator[dict[str, object]]:
    """Mean flow magnitude, crop pixels a frame, in speech and in silence, for each window, of one clip."""
    setup = load_pipeline("grid")
    align = path.parent / "align" / f"{path.stem}.align"
    if not align.exists():
        print(f"left out: {path}: no word times")
        return
    clip = decode_clip(path, fps=setup.video.fps, sample_rate_hz=setup.mel.sample_rate_hz)
    try:
        track = track_face(clip.frames, finder, setup.lips)
    except ClipError as error:
        print(f"left out: {path}: {error}")
        return
    speech = speech_frames(align, len(clip.frames), setup.video.fps)
    for window in WINDOWS:
        boxes = mouth_boxes(track.points, replace(setup.lips, smooth_frames=window))
        crops = crop_frames(clip.frames, boxes, setup.video.size_px)
        size = np.linalg.norm(farneback_flow(crops, setup.flow).astype(np.float32)[:-1], axis=-1).mean((1, 2))  # T - 1
        found = {"speech": float(size[speech].mean()), "silence": float(size[~speech].mean())}
        yield {"speaker": path.parent.name, "window": window, **found}


def speech_frames(align: Path, n_frames: int, fps: int) -> np.ndarray:
    """Whether the middle between frame i and i + 1 lies between the first word's beginning and the last one's end."""
    words = [line.split() for line in align.read_text().splitlines()]
    voiced = [(int(start), int(end)) for start, end, word in words if word not in ("sil", "sp")]
    middle_ticks = (np.arange(n_frames - 1) + 0.5) / fps * TICKS_PER_S
    return (middle_ticks >= voiced[0][0]) & (middle_ticks < voiced[-1][1])


def table(rows: pd.DataFrame) -> str:
    """Ratio of the means for each window and speaker, as Markdown."""
    lines = ["| window (frames) | " + " | ".join(SPEAKERS) + " | mean | silence, px a frame | speech, px a frame |"]
    lines.append("|" + "---|" * (len(SPEAKERS) + 4))
    for window, of_window in rows.groupby("window"):
        means = of_window.groupby("speaker")[["speech", "silence"]].mean()
        ratios = (means.speech / means.silence)[list(SPEAKERS)]
        name = {1: "1 (none)", 149: "149 (one box a clip)"}.get(int(str(window)), str(window))
        cells = [f"{ratio:.2f}" for ratio in (*ratios, ratios.mean())]
        lines.append(f"| {name} | {' | '.join(cells)} | {means.silence.mean():.3f} | {means.speech.mean():.3f} |")
    return "\n".join(lines)


@click.command(help=__doc__)
@click.argument("grid", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(grid: Path) -> None:
    paths = [path for speaker in SPEAKERS for path in sorted((grid / speaker).glob("*.mpg"))]
    halves = Parallel(n_jobs=2)(delayed(flow_of)(paths[half::2]) for half in (0, 1))
    rows = pd.DataFrame([row for half in halves for row in half])
    counts = ", ".join(f"{name} {n}" for name, n in rows[rows.window == 1].groupby("speaker").size().items())
    text = TEXT.format(counts=counts, table=table(rows))
    Path("docs/smoothing.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
