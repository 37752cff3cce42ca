"""What does every metric say of real mouths, of still ones, and of damage that is known?

    python benchmarks/measures.py shards      # GRID's 162 clips: about 5 minutes on two cores

The damages are written in the order that LMD should put them in; it was written before anything was measured. Writes
docs/benchmarks/measures.md.
"""

import zlib
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import joblib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from page import machine, publish

from lipdata.face.dlib_detector import predictor_path
from lipdata.shards.clip import Clip
from lipdata.shards.reader import Shard, open_shards
from lipmodel.evaluation.aggregate import METRICS, STILL, TRUTH
from lipmodel.evaluation.bootstrap import Mean, mean_over_clips
from lipmodel.evaluation.markdown import format_mean, format_metric, markdown_table, metric_titles
from lipmodel.evaluation.measure import FrameMeasures, FrameMeter, compare_frames
from lipmodel.metrics.peak_signal_to_noise import decibel

# Those that a frame has.
OF_FRAMES = [name for name in METRICS if not name.startswith("sync_")]
EVERY = 3  # frames of which one is looked at
STRETCH = 1.3
SHUFFLED, OTHER, STRANGER = "shuffled frames", "another clip, same speaker", "another speaker's clip"
TEXT = """# What the metrics say

Real mouths of {clips} clips, every {every}rd frame; means over clips with bootstrap 95 % intervals over clips. LMD in
pixels of the 64 x 64 crop; what each metric is: [measuring](../measuring.md). Written by
`python benchmarks/measures.py SHARDS`.

{machine}

## Damage

Expected for LMD before it was measured, least damage first: **still < another clip of the same speaker, about as
shuffled frames < another speaker's clip.** A GRID clip begins in silence with its mouth closed, the commonest pose, so
that a still mouth is about one standard deviation away and shuffled frames about sqrt 2 of them; another clip has its
silences in the same places; another speaker has other lips.

{damage}

{remarks}

## Ground truth and still, by speaker

Box: the side of the mouth's crop in pixels of the source, median. Still: the clip's first frame repeated.

{speakers}

CPBD of real mouths: {all_frames:.3f} over all clips, {by_speaker:.3f} where each of {n_speakers} speakers counts the
same, {small:.3f} the same for clips whose box is below {large_px} source pixels (GRID's videos of 360 x 288; six of s4
are 720 x 576). The paper has 0.141 for GRID.
"""
LARGE_PX = 70


def moved(mouths: np.ndarray, to_source: list[list[float]]) -> np.ndarray:
    """Mouths under an affine map from new to old pixels."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size, matrix = (mouths.shape[2], mouths.shape[1]), np.array(to_source, np.float64)
    return np.stack([cv2.warpAffine(m, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE) for m in mouths])


def noisy(mouths: np.ndarray) -> np.ndarray:
    """Noise of standard deviation 10, where it does not leave 0 to 255: PSNR 28.13 dB."""
    noise = np.random.default_rng(0).normal(0, 10, mouths.shape)
    return np.rint((mouths + noise).clip(0, 255)).astype(np.uint8)


DAMAGE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "2 px to the right": lambda mouths: moved(mouths, [[1, 0, -2], [0, 1, 0]]),
    "2 px down": lambda mouths: moved(mouths, [[1, 0, 0], [0, 1, -2]]),
    "stretched by 1.3 in height": lambda mouths: moved(mouths, [[1, 0, 0], [0, 1 / STRETCH, 31.5 - 31.5 / STRETCH]]),
    "10 % brighter": lambda mouths: np.rint(mouths * 1.1).clip(0, 255).astype(np.uint8),
    "blurred, sigma 1": lambda mouths: np.stack([cv2.GaussianBlur(m, (0, 0), 1) for m in mouths]),
    "noise, sigma 10": noisy,
}


def looked_at(shard: Shard, clip_id: str, others: dict[str, tuple[Shard, str]], predictor: Path) -> pd.DataFrame:
    """A row for every video of a clip: the mean of each measure over its frames."""
    clip = shard.clip(clip_id)
    rows = np.arange(0, len(clip.frames), EVERY)
    meter = FrameMeter(clip, predictor)
    real = meter.measure(clip.frames[rows])
    seen: dict[str, FrameMeasures] = {
        TRUTH: real,
        STILL: real[np.zeros(len(rows), int)],
        SHUFFLED: real[np.random.default_rng(zlib.crc32(clip_id.encode())).permutation(len(rows))],
    }
    for name, (held_by, other_id) in others.items():
        frames = held_by.clip(other_id).frames
        seen[name] = meter.measure(frames[rows.clip(None, len(frames) - 1)])
    seen |= {name: meter.measure(damage(clip.frames[rows])) for name, damage in DAMAGE.items()}
    table = pd.DataFrame({name: compare_frames(real, fake).mean() for name, fake in seen.items()}).T
    table["psnr"] = table.squared_error.map(decibel)
    table["psnr_uint8"] = table.squared_error_uint8.map(decibel)
    table["stretch"] = stretched_by(clip, rows)
    table["box"] = np.median(clip.box[:, 2] - clip.box[:, 0])
    return table.rename_axis("video").reset_index().assign(clip_id=clip_id, speaker=clip.speaker)


def stretched_by(clip: Clip, rows: np.ndarray) -> float:
    """LMD that the stretch should give, from the landmarks of the source video."""
    height = clip.landmarks[rows, :, 1]  # T, 20
    return float((STRETCH - 1) * np.abs(height - height.mean(1, keepdims=True)).mean())


def others_of(clips: list[tuple[Shard, str]]) -> dict[str, dict[str, tuple[Shard, str]]]:
    """For every clip the next one of its speaker, and the one of another speaker that lies as far into its own."""
    by_speaker: dict[str, list[tuple[Shard, str]]] = {}
    for shard, clip_id in clips:
        by_speaker.setdefault(clip_id.split("/")[0], []).append((shard, clip_id))
    speakers = sorted(by_speaker)
    chosen = {}
    for place, speaker in enumerate(speakers):
        own, others = by_speaker[speaker], [name for name in speakers if name != speaker]
        for turn, (_, clip_id) in enumerate(own):
            stranger = by_speaker[others[(place + turn) % len(others)]]
            chosen[clip_id] = {STRANGER: stranger[turn % len(stranger)]}
            if len(own) > 1:
                chosen[clip_id][OTHER] = own[(turn + 1) % len(own)]
    return chosen


def damage_table(table: pd.DataFrame) -> str:
    """A line a video, its means and intervals."""
    order = [TRUTH, STILL, OTHER, SHUFFLED, STRANGER, *DAMAGE]
    lines = [
        [
            video,
            *(
                format_mean(name, mean_over_clips(table.loc[table.video == video, name].to_numpy()))
                for name in OF_FRAMES
            ),
        ]
        for video in order
    ]
    return markdown_table(["video", *metric_titles(OF_FRAMES)], lines)


def speaker_table(table: pd.DataFrame) -> str:
    """Two lines a speaker."""
    lines = []
    for speaker, of_speaker in table.groupby("speaker"):
        for video in (TRUTH, STILL):
            some = of_speaker[of_speaker.video == video]
            means = [format_metric(name, float(some[name].mean())) for name in OF_FRAMES]
            lines.append([f"{speaker}, {video}", str(len(some)), f"{some.box.median():.0f}", *means])
    return markdown_table(["speaker, video", "clips", "box", *metric_titles(OF_FRAMES)], lines)


def remarks(table: pd.DataFrame) -> str:
    """What the damage table alone does not tell."""
    wide = table.pivot(index="clip_id", columns="video", values="lmd")

    def further(one: str, other: str) -> Mean:
        return mean_over_clips((wide[one] - wide[other]).to_numpy())

    stretch = table[table.video == "stretched by 1.3 in height"]
    return "\n".join(
        [
            f"* Shuffled less still, clip by clip: {format_mean('lmd', further(SHUFFLED, STILL))}.",
            f"* Still less another clip of the same speaker: {format_mean('lmd', further(STILL, OTHER))}.",
            f"* Another speaker less shuffled: {format_mean('lmd', further(STRANGER, SHUFFLED))}.",
            f"* The stretch by the landmarks of the source video: LMD {stretch.stretch.mean():.3f}; measured "
            f"{stretch.lmd.mean():.3f}.",
            f"* Frames without landmarks: {int(table.lmd.isna().sum())} of {len(table)} means have no LMD, "
            f"{int(table.lmd_template.isna().sum())} no LMD template.",
        ]
    )


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path, exists=True))
def main(shards: Path) -> None:
    about, predictor = machine(), predictor_path()
    clips = [(shard, clip.clip_id) for shard in open_shards(shards) for clip in shard.clips]
    others = others_of(clips)
    work = (delayed(looked_at)(shard, clip_id, others[clip_id], predictor) for shard, clip_id in clips)
    table = pd.concat(Parallel(joblib.cpu_count())(work), ignore_index=True)
    truth = table[table.video == TRUTH]
    small = truth[truth.box < LARGE_PX]
    text = TEXT.format(
        clips=len(clips),
        every=EVERY,
        machine=about,
        damage=damage_table(table),
        remarks=remarks(table),
        speakers=speaker_table(table),
        all_frames=truth.cpbd.mean(),
        by_speaker=truth.groupby("speaker").cpbd.mean().mean(),
        n_speakers=truth.speaker.nunique(),
        small=small.groupby("speaker").cpbd.mean().mean(),
        large_px=LARGE_PX,
    )
    publish("measures", text)


if __name__ == "__main__":
    main()
