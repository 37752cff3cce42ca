"""The commands of lipmodel: parse, call, print."""

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lipdata.commands import Commands
from lipmodel.config import PRESETS, Speed, Steps
from lipmodel.variants import VARIANTS, Weights

if TYPE_CHECKING:
    from lipmodel.study import Study

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
STEPS = click.IntRange(min=1)
WEIGHT = click.FloatRange(min=0)
STAGES = tuple(field.name for field in fields(Steps))
GROUPS = {"steps": Steps, "weights": Weights, "speed": Speed}


def _stages(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    asked = STAGES if value is None else tuple(name.strip() for name in value.split(","))
    for name in asked:
        if name not in STAGES:
            raise click.BadParameter(f"{name!r} is no stage; allowed: {', '.join(STAGES)}, with commas between")
    return asked


@click.group("lipmodel", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Make a mouth speak: learn from shards of lipdata, then generate video from a picture and speech.

    \b
    lipmodel fit shards
    lipmodel generate runs/shards-tiny --image face.jpg --audio speech.wav -o out.mp4
    lipmodel evaluate runs/shards-tiny shards
    """


@main.command()
@click.argument("shards", type=FOLDER)
@click.option("-o", "--out", type=FOLDER, help="Run folder.  [default: runs/SHARDS-PRESET]")
@click.option("--preset", type=click.Choice(list(PRESETS)), help="Size.  [default: paper on a GPU, else tiny]")
@click.option(
    "--variant",
    type=click.Choice(list(VARIANTS)),
    help="Of the paper's Tables 2 and 3.  [default: e, full]",
)
@click.option("--stages", callback=_stages, help="Some of flow,autoencoder,gan.  [default: all that are not done]")
@click.option("--steps", "gan", type=STEPS, help="Steps of stage gan in all.  [default: the preset's]")
@click.option("--flow-steps", "flow", type=STEPS, help="Steps of stage flow.  [default: the preset's]")
@click.option("--autoencoder-steps", "autoencoder", type=STEPS, help="Of stage autoencoder.  [default: the preset's]")
@click.option("--batch", type=click.IntRange(min=1), help="Windows a step and device.  [default: the preset's]")
@click.option("--manifest", type=FILE, help="Which clips are in which split.  [default: SHARDS/manifest.csv]")
@click.option("--split", help="Split of the manifest to learn from.  [default: train]")
@click.option("--seed", type=click.IntRange(min=0), help="Of first weights and order.  [default: 0]")
@click.option("--flownet-weights", type=FILE, help="FlowNetS weights of the PyTorch port that stage flow starts from.")
@click.option("--l-corr", "corr", type=WEIGHT, help="Weight of the correlation loss.  [default: 1, or the variant's]")
@click.option("--l-pix", "pixel", type=WEIGHT, help="Weight of the pixel loss.  [default: 0.5, or the variant's]")
@click.option("--l-perc", "perc", type=WEIGHT, help="Weight of the perceptual loss.  [default: 1, or the variant's]")
@click.option("--l-gen", "gen", type=WEIGHT, help="Weight of the discriminator's word.  [default: 1, or the variant's]")
@click.option("--l-first", "first", type=WEIGHT, help="Weight of the first frame's loss.  [default: 0; vondrick 10]")
@click.option("--lambda-p", type=WEIGHT, help="Weight of generated clips in the discriminator.  [default: 0.5]")
@click.option("--lambda-u", type=WEIGHT, help="Weight of mismatched clips in the discriminator.  [default: 0.5]")
@click.option("--devices", type=click.IntRange(min=1), help="GPUs, or processes on a CPU.  [default: 1]")
@click.option("--workers", type=click.IntRange(min=0), help="Reading threads; they change no result.  [default: 2]")
@click.option("--precision", type=click.Choice(["32", "bf16"]), help="Of convolutions.  [default: bf16 if fast]")
@click.option("--channels-last/--channels-first", default=None, help="Memory layout.  [default: the faster]")
@click.option("--fused-adam/--plain-adam", default=None, help="Adam in one kernel.  [default: the faster]")
@click.option("--compile/--eager", "compiled", default=None, help="torch.compile.  [default: compile on a GPU]")
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint; on a CPU, as if it had never stopped.")
def fit(resume: bool, stages: tuple[str, ...], **options: Any) -> None:
    """Train on SHARDS, a folder that lipdata ingest made: FlowNet, then the autoencoder, then the GAN.

    \b
    lipmodel fit shards
    lipmodel fit shards -o runs/first --preset small --steps 20000
    lipmodel fit shards -o runs/first --resume
    lipmodel fit shards --variant chung
    lipmodel fit shards --stages flow --flownet-weights flownets.pth

    The run folder gets config.json, metrics.jsonl, log.txt, TensorBoard events, samples/ (pictures: real, generated,
    flow of both) and checkpoints/ (the newest three and the best); flow/ and autoencoder/ get the same.
    """
    from lipmodel import plan
    from lipmodel.fit import fit as train

    grouped: dict[str, Any] = {
        group: {field.name: options.pop(field.name) for field in fields(record)} for group, record in GROUPS.items()
    }
    wish = plan.Wish(**options, **grouped)
    folder, run = plan.continued_run(wish) if resume else plan.new_run(wish)
    if train(folder, run, stages):
        click.echo(f"next: lipmodel generate {folder} --image FACE --audio SPEECH -o out.mp4")


@main.command()
@click.argument("run", type=FOLDER)
@click.option("--image", type=FILE, help="A photo with a face, or a mouth crop (see below).")
@click.option("--audio", type=FILE, help="Speech of any length: any file with sound, video included.")
@click.option("--clip", type=(FOLDER, str), metavar="SHARDS ID", help="In place of --image and --audio (see below).")
@click.option("--face", is_flag=True, help="Put the lips back into the photo, which may be 1920 pixels long.")
@click.option("--best", is_flag=True, help="Of all checkpoints, that with the lowest validation loss, not the newest.")
@click.option("-o", "--out", type=FILE, required=True, help="MP4 to write; but for --face, mouths of 256x256.")
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
def generate(
    run: Path,
    image: Path | None,
    audio: Path | None,
    clip: tuple[Path, str] | None,
    face: bool,
    best: bool,
    out: Path,
    overwrite: bool,
) -> None:
    """Make the mouth in a picture say a speech, with the newest checkpoint of RUN.

    \b
    lipmodel generate runs/shards-tiny --image face.jpg --audio speech.wav -o out.mp4
    lipmodel generate runs/shards-tiny --image face.jpg --audio speech.wav --face -o out.mp4
    lipmodel generate runs/shards-tiny --image crop.png --audio clip.mpg -o out.mp4 --overwrite
    lipmodel generate runs/shards-tiny --clip shards s1/bbaf2n -o out.mp4

    A picture in which no face is found is an error, but for a square one of at most 128 px: that is a mouth crop.

    With --clip, the first frame of a clip of a shard folder says the clip's own speech, beside the real one. Shards
    hold no sound, so this video is silent. Frames and flow of both also come as a picture, out.strip.png.
    """
    from lipmodel.beside import beside
    from lipmodel.generate import generate as make

    if clip:
        if image or audio or face:
            raise click.UsageError("--clip brings its own picture and speech; leave out --image, --audio and --face.")
        click.echo(beside(run, *clip, out, best=best, overwrite=overwrite))
    elif image and audio:
        click.echo(make(run, image, audio, out, face=face, best=best, overwrite=overwrite))
    else:
        raise click.UsageError("Give --image PHOTO and --audio SPEECH, or --clip SHARDS ID.")
    click.echo(f"next: ffplay {out}")


@main.command()
@click.argument("run", type=FOLDER)
@click.argument("shards", type=FOLDER)
@click.option("--split", default="test", show_default=True, help="Split of the manifest to measure on.")
@click.option("--manifest", "manifest_path", type=FILE, help="Which clips are in which split.  [default: the run's]")
@click.option("--best", is_flag=True, help="Of all checkpoints, that with the lowest validation loss, not the newest.")
@click.option("--paper", is_flag=True, help="Show the paper's numbers too, and ours measured the paper's way.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes that measure.  [default: one a core]")
@click.option("-o", "--out", type=FOLDER, help="Folder to write.  [default: RUN/evaluation-SPLIT]")
@click.option("--overwrite", is_flag=True, help="Replace the evaluation that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(
    run: Path,
    shards: Path,
    split: str,
    manifest_path: Path | None,
    best: bool,
    paper: bool,
    jobs: int | None,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure RUN on the windows of a split of SHARDS: landmark distance, SSIM, PSNR, sharpness.

    \b
    lipmodel evaluate runs/shards-tiny shards
    lipmodel evaluate runs/shards-tiny shards --split val --paper

    The real video and its first frame repeated ("still") are measured in the same way: a model must beat the second.
    OUT gets evaluation.json, per_clip.csv, per_frame.csv, and best.png, median.png and worst.png (by LMD): real above
    generated. What each number means: docs/measuring.md.
    """
    import json

    from lipmodel.evaluate import evaluate as measured

    out = out or run / f"evaluation-{split}"
    found = measured(
        run, shards, out, split=split, manifest_path=manifest_path, best=best, jobs=jobs, overwrite=overwrite
    )
    if as_json:
        click.echo(json.dumps(found.to_json()))
        return
    click.echo("\n".join(found.lines(paper=paper)))
    click.echo(f"every clip: {out}/per_clip.csv" + "".join(f", {out}/{name}.png" for name in found.examples))
    click.echo(f"next: lipmodel ablate {shards}")


def study_options(command: Any) -> Any:
    """What ``ablate`` and ``compare`` have in common."""
    options = (
        click.argument("shards", type=FOLDER),
        click.option("-o", "--out", type=FOLDER, help="Folder of the runs.  [default: runs/SHARDS-PRESET-variants]"),
        click.option("--preset", type=click.Choice(list(PRESETS)), help="Size.  [default: paper on a GPU, else tiny]"),
        click.option("--steps", "gan", type=STEPS, help="Steps of stage gan of each.  [default: the preset's]"),
        click.option("--flow-steps", "flow", type=STEPS, help="Steps of stage flow.  [default: the preset's]"),
        click.option("--autoencoder-steps", "autoencoder", type=STEPS, help="Same.  [default: the preset's]"),
        click.option("--batch", type=click.IntRange(min=1), help="Windows a step.  [default: the preset's]"),
        click.option("--seed", type=click.IntRange(min=0), help="The same for all variants.  [default: 0]"),
        click.option("--manifest", type=FILE, help="Which clips are in which split.  [default: SHARDS/manifest.csv]"),
        click.option("--split", default="test", show_default=True, help="Split of the manifest to measure on."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@study_options
def ablate(**options: Any) -> None:
    """Train and measure variants a to i of the paper's Table 2 alike, and write that table, ours beside the paper's.

    \b
    lipmodel ablate shards
    lipmodel ablate shards --preset tiny --steps 800 --split val

    The same command again goes on where it was stopped. Each variant is a run of its own in OUT, to generate with or
    to train further; stages flow and autoencoder are learnt once. OUT gets table2.md and table2.csv.
    """
    from lipmodel.study import ABLATION

    _conduct(ABLATION, **options)


@main.command()
@study_options
def compare(**options: Any) -> None:
    """Train and measure the rivals of the paper's Table 3 and the full model alike, and write that table.

    \b
    lipmodel compare shards

    The same command again goes on where it was stopped; a full model that ablate has trained in OUT is not trained
    anew. OUT gets table3.md and table3.csv.
    """
    from lipmodel.study import COMPARISON

    _conduct(COMPARISON, **options)


def _conduct(study: "Study", split: str, **options: Any) -> None:
    from lipmodel.plan import Wish
    from lipmodel.study import conduct

    steps = {field.name: options.pop(field.name) for field in fields(Steps)}
    path, table = conduct(study, Wish(**options, steps=steps), split=split, say=partial(click.echo, err=True))
    click.echo(f"{table}\n\nthis table: {path}; with intervals: {path.with_suffix('.csv')}")
