"""The commands of lipmodel: parse, call, print."""

from pathlib import Path
from typing import Any

import click

from lipdata.commands import Commands
from lipmodel.config import PRESETS

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("lipmodel", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Make a mouth speak: learn from shards of lipdata, then generate video from a picture and speech.

    \b
    lipmodel fit shards
    lipmodel generate runs/shards-tiny --image face.jpg --audio speech.wav -o out.mp4
    """


@main.command()
@click.argument("shards", type=FOLDER)
@click.option("-o", "--out", type=FOLDER, help="Run folder.  [default: runs/SHARDS-PRESET]")
@click.option("--preset", type=click.Choice(list(PRESETS)), help="Size.  [default: paper on a GPU, else tiny]")
@click.option("--steps", type=click.IntRange(min=1), help="Steps in all.  [default: the preset's]")
@click.option("--batch", type=click.IntRange(min=1), help="Windows a step.  [default: the preset's]")
@click.option("--manifest", type=FILE, help="Which clips are in which split.  [default: SHARDS/manifest.csv]")
@click.option("--split", help="Split of the manifest to learn from.  [default: train]")
@click.option("--seed", type=click.IntRange(min=0), help="Of first weights and order.  [default: 0]")
@click.option("--workers", type=click.IntRange(min=0), help="Reading processes; they change no result.  [default: 2]")
@click.option("--precision", type=click.Choice(["32", "bf16"]), help="Of convolutions.  [default: bf16 if fast]")
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint; on a CPU, as if it had never stopped.")
def fit(resume: bool, **options: Any) -> None:
    """Train the generator on SHARDS, a folder that lipdata ingest made.

    \b
    lipmodel fit shards
    lipmodel fit shards -o runs/first --preset small --steps 20000
    lipmodel fit shards -o runs/first --resume

    The run folder gets config.json, metrics.jsonl, log.txt, TensorBoard events, samples/ (pictures, real over
    generated) and checkpoints/ (the newest three).
    """
    from lipmodel import plan
    from lipmodel.fit import fit as train

    wish = plan.Wish(**options)
    folder, run = plan.continued_run(wish) if resume else plan.new_run(wish)
    train(folder, run, resume=resume)
    click.echo(f"next: lipmodel generate {folder} --image FACE --audio SPEECH -o out.mp4")


@main.command()
@click.argument("run", type=FOLDER)
@click.option("--image", type=FILE, required=True, help="A photo with a face, or a mouth crop (see below).")
@click.option("--audio", type=FILE, required=True, help="Speech of any length: any file with sound, video included.")
@click.option("-o", "--out", type=FILE, required=True, help="MP4 to write: 256x256, four times what the network makes.")
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
def generate(run: Path, image: Path, audio: Path, out: Path, overwrite: bool) -> None:
    """Make the mouth in a picture say a speech, with the newest checkpoint of RUN.

    \b
    lipmodel generate runs/shards-tiny --image face.jpg --audio speech.wav -o out.mp4
    lipmodel generate runs/shards-tiny --image crop.png --audio clip.mpg -o out.mp4 --overwrite

    A picture in which no face is found is an error, but for a square one of at most 128 px: that is a mouth crop.
    """
    from lipmodel.generate import generate as make

    click.echo(make(run, image, audio, out, overwrite=overwrite))
    click.echo(f"next: ffplay {out}")
