"""Does the sound of a clip fit its own motion better than another clip's sound does, and at which offset?

    python benchmarks/delay.py shards      # half a minute; writes docs/benchmarks/delay.md

GRID sentences are alike: silence, six words, silence. What two strangers share must be taken off before a correlation
of sound and motion says anything about a clip.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from page import machine, publish

from lipdata.analysis.av_delay import OFFSETS, correlations, delay_table, mean_motion, mel_change
from lipdata.shards.reader import open_shards
from lipmodel.evaluation.markdown import markdown_table

TEXT = """# How much of Fig. 4 is chance

`lipdata delay` on {found} clips: {counts} of them like offsets {first} to {last} best. Below, {n} clips of {length}
frames: each clip's motion with its own sound, and with the sound of each of the others. Written by
`python benchmarks/delay.py SHARDS`.

{machine}

{table}

The own sound has a higher best r than another clip's in {wins:.0%} of such comparisons; chance is 50 %. Median best r:
own {own:.3f}, others' {other:.3f}. The motion resembles itself 1, 2 and 3 frames later with r = {echo}.

The sound's first and last change are {ends[0]:.1f} and {ends[1]:.1f} dB, between them {middle:.1f} dB on average: where
a clip's sound is shorter than its picture it is filled up with silence, and the step into it is a change like any
other. Without these two, {counts_inside} clips like offsets {first} to {last} best, and the median best r is
{own_inside:.3f}.
"""


def series(shards: Path) -> tuple[np.ndarray, np.ndarray]:
    """Sound change and motion of all clips of the commonest length [shape=(N, T - 1)] each."""
    places = [(shard, clip) for shard in open_shards(shards) for clip in shard.clips]
    length = pd.Series([clip.length for _, clip in places]).mode()[0]
    changes, moved = [], []
    for shard, clip in places:
        if clip.length == length:
            frames = slice(clip.start, clip.start + clip.length)
            changes.append(mel_change(shard.array("mel")[frames]))
            moved.append(mean_motion(shard.array("flow")[frames]))
    return np.array(changes), np.array(moved)


def liked(r: np.ndarray) -> np.ndarray:
    """How many like each offset best [shape=(8,)]."""
    return np.bincount(r.argmax(-1).ravel(), minlength=len(OFFSETS))


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path, exists=True))
def main(shards: Path) -> None:
    about, found = machine(), delay_table(open_shards(shards))
    changes, moved = series(shards)
    n = len(changes)
    every = np.array([[correlations(change, own) for change in changes] for own in moved])  # motion, sound, offset
    own = every[np.arange(n), np.arange(n)]  # N, 8
    others = every[~np.eye(n, dtype=bool)].reshape(n, n - 1, -1)
    excess = own - others.mean(1)
    error = excess.std(0, ddof=1) / np.sqrt(n)
    share = liked(others) / others[..., 0].size * n
    rows = [
        [
            f"{offset} ({1000 * offset / found.fps.iloc[0]:.0f} ms)",
            str(liked(own)[offset]),
            f"{share[offset]:.0f}",
            f"{own[:, offset].mean():.3f}",
            f"{others[..., offset].mean():.3f}",
            f"{excess[:, offset].mean():+.3f} ± {error[offset]:.3f}",
        ]
        for offset in OFFSETS
    ]
    header = ["offset", "own: clips", f"others: of {n}", "own: mean r", "others: mean r", "own less others, ± 1 s.e."]
    inside = np.array([correlations(*pair) for pair in zip(changes[:, 1:-1], moved[:, 1:-1], strict=True)])
    echoes = [np.mean([np.corrcoef(m[lag:], m[:-lag])[0, 1] for m in moved]) for lag in (1, 2, 3)]
    text = TEXT.format(
        found=len(found),
        counts=", ".join(str(count) for count in found.best_offset.value_counts().reindex(OFFSETS, fill_value=0)),
        first=OFFSETS[0],
        last=OFFSETS[-1],
        n=n,
        length=changes.shape[1] + 1,
        machine=about,
        table=markdown_table(header, rows),
        wins=(own.max(1)[:, None] > others.max(2)).mean(),
        own=np.median(own.max(1)),
        other=np.median(others.max(2)),
        echo=", ".join(f"{echo:.2f}" for echo in echoes),
        ends=(changes[:, 0].mean(), changes[:, -1].mean()),
        middle=changes[:, 1:-1].mean(),
        counts_inside=", ".join(str(count) for count in liked(inside)),
        own_inside=np.median(inside.max(1)),
    )
    publish("delay", text)


if __name__ == "__main__":
    main()
