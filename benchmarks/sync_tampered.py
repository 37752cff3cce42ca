"""A hundred clips, ten of them tampered with: what does `lipmodel sync` find, and whom does it wrongly accuse?

    python benchmarks/sync_tampered.py GRID WORK     # five minutes; writes docs/benchmarks/sync_tampered.md

GRID is the folder of real clips, WORK that of benchmarks/sync.py: its networks judge speakers that they have not seen.
The sound is changed in the files, by ffmpeg, and everything is ingested anew.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd
from page import machine, publish
from sync import FOLDS, MANIFEST, TEST

import lipdata
from lipdata.corpus import ManifestRow, read_manifest
from lipdata.media import ffmpeg_binary
from lipdata.shards import read_sync
from lipmodel.evaluation import markdown_table
from lipmodel.sync import sync_folder
from lipmodel.training import load_sync_run

CLIPS, SEED, FPS = 100, 0, 25
HALF_S = 1.5
# What is done to ten clips: sound moved by so many frames, another clip's sound, the second half moved.
MOVED, FOREIGN, HALVED = (2, -3, 5, 12), 3, (4, -6, 8)

TEXT = """# A hundred clips, ten of them tampered with

Written by `python benchmarks/sync_tampered.py GRID WORK`. {clips} clips of {speakers}; ten drawn by seed {seed} and
changed by ffmpeg, the picture copied: sound moved by {moved} frames, {foreign} times another clip's sound, and the
sound of the second half moved by {halved} frames. Ingested anew in {folders} folders of about {each} clips; each folder
is measured by `lipmodel sync --run` with a network that has not seen its speakers, against the folder's own foreign
pairs, tampered clips included.

{machine}

A clip is accused where, by sync.csv: *off*: confidence_sd >= 2 and |offset_frames| > 1; *drifts*: offset_max -
offset_min > 1; *foreign*: confidence_sd < 1, or no answer. Between 1 and 2 nothing is claimed.

{table}

Of the {left} clips that nothing was done to, {between} lie between 1 and 2; accused: {accused}.

{innocents}
"""


def run_ffmpeg(*arguments: str) -> None:
    subprocess.run([ffmpeg_binary(), "-nostdin", "-loglevel", "error", "-y", *arguments], check=True)


def tamper(source: Path, target: Path, sound: Path, filters: str) -> None:
    """The picture of ``source`` as it is, with the sound of ``sound`` through ``filters``."""
    target.unlink(missing_ok=True)
    picture_and_sound = ("-i", str(source), "-i", str(sound), "-map", "0:v", "-map", "1:a", "-c:v", "copy")
    run_ffmpeg(*picture_and_sound, "-filter:a", filters, "-c:a", "mp2", "-b:a", "256k", str(target))


def moved(frames: int) -> str:
    """Sound later by so many frames, or earlier."""
    seconds = abs(frames) / FPS
    return f"adelay={1000 * seconds:.0f}:all=1" if frames > 0 else f"atrim=start={seconds},asetpts=PTS-STARTPTS"


def half_moved(frames: int) -> str:
    """The second half's sound later, after a silence, or earlier."""
    seconds = abs(frames) / FPS
    gap, begin = (f",apad=pad_dur={seconds}", HALF_S) if frames > 0 else ("", HALF_S + seconds)
    halves = f"[one]atrim=end={HALF_S}{gap}[a];[two]atrim=start={begin},asetpts=PTS-STARTPTS[b]"
    return f"asplit=2[one][two];{halves};[a][b]concat=n=2:v=0:a=1"


def deeds(chosen: Sequence[ManifestRow], grid: Path) -> dict[str, tuple[str, Path, str]]:
    """Of the first ten clips what is done to them: in words, the sound's file, the filters."""
    found = {}
    for row, frames in zip(chosen, MOVED, strict=False):
        found[row.clip_id] = (f"moved by {frames}", grid / row.path, moved(frames))
    foreign = chosen[len(MOVED) : len(MOVED) + FOREIGN]
    for row, other in zip(foreign, chosen[-FOREIGN:], strict=True):
        found[row.clip_id] = (f"sound of {other.clip_id}", grid / other.path, "anull")
    for row, frames in zip(chosen[len(MOVED) + FOREIGN :], HALVED, strict=False):
        found[row.clip_id] = (f"second half moved by {frames}", grid / row.path, half_moved(frames))
    return found


def measure(corpus: Path, folder: Path, run: Path) -> pd.DataFrame:
    shards = lipdata.ingest(corpus, folder, overwrite=True)
    found = sync_folder(shards.path, network=load_sync_run(run), overwrite=True)
    print("\n".join(found.lines()), flush=True)
    return read_sync(found.path)


def verdict(row: pd.Series) -> str:
    if row.reason:
        return f"foreign ({row.reason})"
    said = []
    if row.confidence_sd >= 2 and abs(row.offset_frames) > 1:
        said.append("off")
    if row.offset_max - row.offset_min > 1:
        said.append("drifts")
    if not row.confidence_sd >= 1:
        said.append("foreign")
    return ", ".join(said)


def figure(value: float, form: str) -> str:
    return "" if value != value else format(value, form)


def span(row: pd.Series) -> str:
    return f"{row.offset_min:+.1f} to {row.offset_max:+.1f}" if row.offset_min == row.offset_min else ""


@click.command(help=__doc__)
@click.argument("grid", type=click.Path(path_type=Path, exists=True))
@click.argument("work", type=click.Path(path_type=Path, exists=True))
def main(grid: Path, work: Path) -> None:
    rows = [row for row in read_manifest(MANIFEST) if row.clip_id != "s1/lgbf8n"]
    test = [row for row in rows if row.speaker in TEST]
    of_fold = [
        [row for row in rows if row.speaker in left_out] + test[at :: len(FOLDS)] for at, left_out in enumerate(FOLDS)
    ]
    everyone = [(row, fold) for fold, some in enumerate(of_fold) for row in some]
    drawn = [everyone[at] for at in np.random.default_rng(SEED).permutation(len(everyone))[:CLIPS]]
    done = deeds([row for row, _ in drawn], grid)
    tables = []
    for fold, left_out in enumerate(FOLDS):
        name = "-".join(left_out)
        corpus = work / f"tampered-{name}"
        for row in [row for row, at in drawn if at == fold]:
            target = corpus / row.path
            target.parent.mkdir(parents=True, exist_ok=True)
            if row.clip_id in done:
                _, sound, filters = done[row.clip_id]
                tamper(grid / row.path, target, sound, filters)
            elif not target.exists():
                os.link(grid / row.path, target)
        tables.append(measure(corpus, work / f"tampered-shards-{name}", work / f"without-{name}"))
    table = pd.concat(tables, ignore_index=True)
    table["verdict"] = table.apply(verdict, axis=1)

    guilty = [
        [
            row.clip_id,
            done[row.clip_id][0],
            figure(row.offset_frames, "+.2f"),
            span(row),
            figure(row.confidence_sd, ".1f"),
            row.verdict,
        ]
        for row in table.itertuples()
        if row.clip_id in done
    ]
    innocent = table[~table.clip_id.isin(done)]
    accused = innocent[innocent.verdict != ""]
    counts = ", ".join(f"{count} {name}" for name, count in accused.verdict.value_counts().items()) or "none"
    header = ["clip", "offset_frames", "2-s windows", "confidence_sd", "accused as"]
    publish(
        "sync_tampered",
        TEXT.format(
            clips=len(table),
            speakers=", ".join(sorted({clip_id.split("/")[0] for clip_id in table.clip_id})),
            seed=SEED,
            moved=", ".join(map(str, MOVED)),
            foreign=FOREIGN,
            halved=", ".join(map(str, HALVED)),
            folders=len(FOLDS),
            each=round(len(table) / len(FOLDS)),
            machine=machine(),
            table=markdown_table(["clip", "what was done", *header[1:]], sorted(guilty, key=lambda row: row[1])),
            left=len(innocent),
            between=int(innocent.confidence_sd.between(1, 2).sum()),
            accused=counts,
            innocents=markdown_table(
                header,
                [
                    [
                        row.clip_id,
                        figure(row.offset_frames, "+.2f"),
                        span(row),
                        figure(row.confidence_sd, ".1f"),
                        row.verdict,
                    ]
                    for row in accused.itertuples()
                ],
            ),
        ),
    )


if __name__ == "__main__":
    main()
