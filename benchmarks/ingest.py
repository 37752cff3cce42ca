"""What does a clip cost: as it is usually done, by lipdata, and at the least? And two workers beside one?

    python benchmarks/ingest.py ../shared/grid      # about 25 minutes on two cores; writes docs/benchmarks/ingest.md

CPU time counts ffmpeg's too. All ways take turns clip by clip, so that what else the machine does falls on all of them.
"""

import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import dlib
import numpy as np
from clip_costs import Cost, Meter, MeteredDetector, field_practice, floor, ours, read, staged, write
from page import machine, publish
from processes import Watched, watch
from threadpoolctl import threadpool_limits

from lipdata.config import Pipeline, load_pipeline
from lipdata.corpus.manifest import ManifestRow, write_manifest
from lipdata.face.detector import MOUTH
from lipdata.face.dlib_detector import DlibDetector, predictor_path
from lipdata.shards.clip import Clip
from lipmodel.evaluation.markdown import markdown_table

ROUNDS = 3
# A run of the command takes the clips this often, under new ids, in shards of this many clips.
REPEATS, SHARD_CLIPS, RUNS = 8, 10, 2
ONE, BOTH, TWO = "1, held to one core", "1", "2"
# Field practice is held against itself in every so many frames.
EVERY = 5
TEXT = """# What a clip costs to ingest

{clips} clips of GRID, {frames} frames, of {speakers}; one worker. CPU time counts ffmpeg's. All ways take turns clip
by clip; lipdata and the floor are the best of {rounds} rounds, field practice is done once. Written by
`python benchmarks/ingest.py GRID`.

{machine}

{ways}

* Field practice: dlib's detector on every frame at upsample 1, its predictor loaded once; then lipdata's own crop, mel
  and flow. No shard.
* Floor: ffmpeg decodes picture and sound into a pipe, the predictor is called once a frame, and nothing else is done.

lipdata takes **{less:.1f} x less** CPU than field practice (wanted: 6) and **{more:.2f} x** the floor (wanted: at most
1.6).

## Where lipdata's time goes

{stages}

## Landmarks of the mouth against field practice, source pixels

{landmarks}

Wanted: 0.5 at the median, 1.5 at 95 %. Frames in which either found no face are left out: {unseen} of {frames}. Field
practice against itself: the same, every {every}th frame once more, cut by one pixel at the left and at the top. Jitter
is the second difference of the mouth's centre from frame to frame. lipdata's boxes are dlib's to the pixel where it
detects; dlib's come in steps of 1.2 of their size, and its landmarks move with the box: where a face lies between two
sizes, as s26's does, detecting every frame jumps to and fro.

## The command

`lipdata ingest`, {rows} clips (each {repeats} times) in shards of {shard_clips}; the best of {runs} runs in turn.

{runs_table}

Two workers are **{speedup:.2f} x** as fast as one that is held to one core (wanted: 1.85), and {beside:.2f} x as fast
as one that may use both, whose ffmpeg decodes on the other core: {cores} cores are all there are.
"""


def rows_of(grid: Path, n_clips: int) -> list[ManifestRow]:
    """Clips of as many speakers as there are: all of those with few, the rest of those with many."""
    paths = [path.relative_to(grid) for path in sorted(grid.glob("*/*.mpg"))]
    size = Counter(path.parent for path in paths)
    chosen = sorted(paths, key=lambda path: (size[path.parent], path))[:n_clips]
    return [ManifestRow(str(path.with_suffix("")), str(path.parent), "", str(path)) for path in chosen]


@dataclass
class Mouths:
    """Of one clip, in source pixels.

    Attributes:
        apart: lipdata's landmarks from field practice's, in the frames in which both found the face.
        itself: field practice's landmarks from those of the picture cut by a pixel, in some frames.
        jitter: second difference of the mouth's centre over time, of field practice and of lipdata.
    """

    apart: np.ndarray  # frames, 20
    itself: np.ndarray  # frames, 20
    jitter: tuple[float, float]


@dataclass
class Measured:
    """Of all clips: what each way costs, what each stage of ours does, and how far the mouths are apart."""

    ways: dict[str, Cost]
    stages: dict[str, Cost]
    mouths: dict[str, list[Mouths]]  # by speaker
    frames: int


def against_itself(frames: np.ndarray, detector: DlibDetector, points: np.ndarray) -> np.ndarray:
    """How far field practice's mouths move when a pixel is cut off at the left and at the top [shape=(n, 20)]."""
    moved = []
    for frame, known in zip(frames[::EVERY], points[::EVERY], strict=True):
        cut = np.ascontiguousarray(frame[1:, 1:])
        faces = detector.faces(cut, 1)
        if faces:
            moved.append(np.linalg.norm(detector.landmarks(cut, faces[0][0]) + 1 - known, axis=-1)[MOUTH])
    return np.stack(moved)


def jitter(mouths: np.ndarray) -> float:
    return float(np.abs(np.diff(mouths.mean(1), n=2, axis=0)).mean())


def measure(rows: Sequence[ManifestRow], grid: Path, setup: Pipeline) -> Measured:
    meter = Meter()
    plain = DlibDetector(predictor_path())
    detector = MeteredDetector(plain, meter)
    found = Measured({name: Cost() for name in ("field", "ours", "floor")}, {}, defaultdict(list), 0)
    made: list[Clip] = []
    for row in rows:
        path = grid / row.path
        frames = read(path, setup).frames
        box = dlib.rectangle(*(round(float(edge)) for edge in plain.detect(frames[0])[0][0]))
        once, shape = Meter(), frames.shape
        points, seen = once.of("field", field_practice, path, plain, setup)
        itself = against_itself(frames, plain, points)
        del frames
        rounds = []
        for _ in range(ROUNDS):
            rounds.append(Meter())
            clip = rounds[-1].of("ours", ours, row, grid, setup)
            rounds[-1].of("floor", floor, path, plain, box, shape)
        made.append(clip)
        track = staged(row, grid, detector, setup, meter)
        found.ways["field"] += once.costs["field"]
        for name in ("ours", "floor"):
            found.ways[name] += min((meter.costs[name] for meter in rounds), key=lambda cost: cost.cpu_s)
        theirs, own = points[:, MOUTH], track.points[:, MOUTH]
        apart = np.linalg.norm(own - theirs, axis=-1)[seen & track.tracked]
        found.mouths[f"{row.speaker}, {shape[2]} x {shape[1]}"].append(
            Mouths(apart, itself, (jitter(theirs), jitter(own)))
        )
        found.frames += shape[0]
    meter.of("shard", write, made, setup)
    found.ways["ours"] += meter.costs["shard"]
    found.stages = dict(meter.costs)
    return found


def stages_table(costs: dict[str, Cost], n_clips: int) -> str:
    inner = costs["detect"] + costs["predict"]
    track = costs["track"]
    own = {
        "find and hash the file": costs["find and hash the file"],
        "decode": costs["decode"],
        "detect the face, once and where it moves": costs["detect"],
        "predict the landmarks, every frame": costs["predict"],
        "check and carry the track": Cost(track.own_s - inner.own_s, 0, track.wall_s - inner.wall_s),
        "crop": costs["crop"],
        "mel": costs["mel"],
        "flow": costs["flow"],
        "write and hash the shard": costs["shard"],
    }
    whole_s = sum(cost.cpu_s for cost in own.values())
    rows = [
        [name, *(f"{1000 * s / n_clips:.1f}" for s in (cost.own_s, cost.ffmpeg_s, cost.wall_s))]
        + [f"{cost.cpu_s / whole_s:.0%}"]
        for name, cost in own.items()
    ]
    return markdown_table(["stage", "own CPU, ms a clip", "ffmpeg's CPU, ms", "wall, ms", "of all CPU"], rows)


def ways_table(ways: dict[str, Cost], n_clips: int) -> str:
    names = {"field": "field practice", "ours": "lipdata", "floor": "floor"}
    rows = [
        [names[name], f"{cost.cpu_s / n_clips:.3f}", f"{cost.wall_s / n_clips:.3f}"]
        + [f"{cost.cpu_s / ways['floor'].cpu_s:.2f}"]
        for name, cost in ways.items()
    ]
    return markdown_table(["way", "CPU, s a clip", "wall, s a clip", "CPU of the floor's"], rows)


def landmarks_table(mouths: dict[str, list[Mouths]]) -> str:
    of_all = {"all": [clip for clips in mouths.values() for clip in clips]} | dict(sorted(mouths.items()))
    rows = []
    for name, clips in of_all.items():
        apart = np.concatenate([clip.apart.ravel() for clip in clips])
        itself = np.concatenate([clip.itself.ravel() for clip in clips])
        theirs, own = np.mean([clip.jitter for clip in clips], axis=0)
        numbers = [*np.percentile(apart, [50, 95]), *np.percentile(itself, [50, 95]), theirs, own]
        rows.append([name, str(len(clips)), *(f"{number:.2f}" for number in numbers)])
    header = ["speaker, picture", "clips", "median", "95 %", "field practice against itself", "95 %"]
    header += ["jitter of field practice", "of lipdata"]
    return markdown_table(header, rows)


def command_runs(rows: Sequence[ManifestRow], grid: Path, folder: Path) -> dict[str, list[Watched]]:
    """The command with one worker and with two, in turn."""
    ways = {ONE: ["taskset", "-c", "0"], BOTH: [], TWO: []}
    again = [
        ManifestRow(f"{row.clip_id}-{number}", row.speaker, "", row.path) for row in rows for number in range(REPEATS)
    ]
    write_manifest(folder / "rows.csv", again)
    toml = Path("pipelines/grid.toml").read_text()
    (folder / "small.toml").write_text(toml.replace("\nclips = 64", f"\nclips = {SHARD_CLIPS}"))
    runs: dict[str, list[Watched]] = {name: [] for name in ways}
    for number in range(RUNS):
        for place, (name, held) in enumerate(ways.items()):
            out = folder / f"{place}-{number}"
            command = [*held, sys.executable, "-m", "lipdata", "ingest", str(grid), "-o", str(out)]
            command += ["-j", "2" if name == TWO else "1", "--max-failed", str(len(again))]
            command += ["--manifest", str(folder / "rows.csv"), "--pipeline", str(folder / "small.toml")]
            runs[name].append(watch(command))
    return runs


def runs_table(runs: dict[str, list[Watched]]) -> str:
    rows = [
        [
            workers,
            f"{min(run.wall_s for run in of_kind):.1f}",
            f"{min(run.first_ffmpeg_s for run in of_kind):.1f}",
            f"{max(run.worker_mb for run in of_kind):.0f}",
            f"{max(run.parent_mb for run in of_kind):.0f}",
        ]
        for workers, of_kind in runs.items()
    ]
    wanted = ["wanted", "", "under 4", "under 500", "under 300"]
    header = ["workers", "wall, s", "first clip begun after, s", "memory of a worker, MB", "of the parent, MB"]
    return markdown_table(header, [*rows, wanted])


@click.command(help=__doc__)
@click.argument("grid", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--clips", "n_clips", default=40, show_default=True)
def main(grid: Path, n_clips: int) -> None:
    about, rows = machine(), rows_of(grid, n_clips)
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        found = measure(rows, grid, load_pipeline("grid"))
    with tempfile.TemporaryDirectory() as folder:
        runs = command_runs(rows, grid, Path(folder))
    wall_s = {name: min(run.wall_s for run in of_kind) for name, of_kind in runs.items()}
    cpu_s = {name: cost.cpu_s for name, cost in found.ways.items()}
    seen = sum(len(clip.apart) for clips in found.mouths.values() for clip in clips)
    text = TEXT.format(
        clips=len(rows),
        frames=found.frames,
        speakers=", ".join(f"{name} ({n})" for name, n in sorted(Counter(row.speaker for row in rows).items())),
        rounds=ROUNDS,
        machine=about,
        ways=ways_table(found.ways, len(rows)),
        less=cpu_s["field"] / cpu_s["ours"],
        more=cpu_s["ours"] / cpu_s["floor"],
        stages=stages_table(found.stages, len(rows)),
        landmarks=landmarks_table(found.mouths),
        unseen=found.frames - seen,
        rows=REPEATS * len(rows),
        repeats=REPEATS,
        shard_clips=SHARD_CLIPS,
        runs=RUNS,
        runs_table=runs_table(runs),
        speedup=wall_s[ONE] / wall_s[TWO],
        beside=wall_s[BOTH] / wall_s[TWO],
        cores=os.cpu_count(),
        every=EVERY,
    )
    publish("ingest", text)


if __name__ == "__main__":
    main()
