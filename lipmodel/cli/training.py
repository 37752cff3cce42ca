"""Training a run."""

from dataclasses import fields
from functools import cache
from typing import Any

import click

from lipmodel.cli.options import FILE, FOLDER, STEPS, WEIGHT, preset_option
from lipmodel.config import Speed
from lipmodel.variants import VARIANTS

# Options that name the steps of a stage; --steps is those of the variant's last.
STEP_OPTIONS = ("last", "flow", "autoencoder")


class FitCommand(click.Command):
    """``fit`` with a flag for every registered loss; they are looked up when its options are, not before."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options of the command, those of the losses, and help."""
        own = super().get_params(ctx)
        return [*own[:-1], *loss_options(), own[-1]]


@cache
def loss_options() -> list[click.Option]:
    """``--l-NAME`` of every loss, and the weights of the discriminator's own loss."""
    from lipmodel.losses import DISCRIMINATOR_WEIGHTS, all_losses

    options = [
        click.Option([loss.flag, name], type=WEIGHT, help=f"{loss.help}  [default: {loss.weight:g}, or the variant's]")
        for name, loss in all_losses().items()
    ]
    what = {"lambda_p": "generated", "lambda_u": "mismatched"}
    return options + [
        click.Option(
            [f"--{name.replace('_', '-')}", name],
            type=WEIGHT,
            help=f"Weight of {what[name]} clips in the discriminator.  [default: {weight:g}]",
        )
        for name, weight in DISCRIMINATOR_WEIGHTS.items()
    ]


def loss_names() -> list[str]:
    """The names under which these options arrive."""
    return [option.name for option in loss_options() if option.name]


def _stages(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(","))


@click.command(cls=FitCommand)
@click.argument("shards", type=FOLDER)
@click.option("-o", "--out", type=FOLDER, help="Run folder.  [default: runs/SHARDS-PRESET]")
@preset_option
@click.option(
    "--variant",
    type=click.Choice(list(VARIANTS)),
    help="Of the paper's Tables 2 and 3; j, k and sync: docs/sync.md.  [default: e, full]",
)
@click.option("--stages", callback=_stages, help="Some of flow,autoencoder,gan.  [default: all that are not done]")
@click.option("--steps", "last", type=STEPS, help="Steps of the last stage in all: gan, sync.  [default: the preset's]")
@click.option("--flow-steps", "flow", type=STEPS, help="Steps of stage flow.  [default: the preset's]")
@click.option("--autoencoder-steps", "autoencoder", type=STEPS, help="Of stage autoencoder.  [default: the preset's]")
@click.option("--batch", type=click.IntRange(min=1), help="Windows a step and device.  [default: the preset's]")
@click.option("--manifest", type=FILE, help="Which clips are in which split.  [default: SHARDS/manifest.csv]")
@click.option("--split", help="Split of the manifest to learn from.  [default: train]")
@click.option("--seed", type=click.IntRange(min=0), help="Of first weights and order.  [default: 0]")
@click.option("--flownet-weights", type=FILE, help="FlowNetS weights of the PyTorch port that stage flow starts from.")
@click.option("--devices", type=click.IntRange(min=1), help="GPUs, or processes on a CPU.  [default: 1]")
@click.option("--workers", type=click.IntRange(min=0), help="Reading threads; they change no result.  [default: 2]")
@click.option("--precision", type=click.Choice(["32", "bf16"]), help="Of convolutions.  [default: bf16 if fast]")
@click.option("--channels-last/--channels-first", default=None, help="Memory layout.  [default: the faster]")
@click.option("--fused-adam/--plain-adam", default=None, help="Adam in one kernel.  [default: the faster]")
@click.option("--compile/--eager", "compiled", default=None, help="torch.compile.  [default: compile on a GPU]")
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint; on a CPU, as if it had never stopped.")
def fit(resume: bool, stages: tuple[str, ...] | None, **options: Any) -> None:
    """Train on SHARDS, a folder that lipdata ingest made: FlowNet, then the autoencoder, then the GAN.

    \b
    lipmodel fit shards
    lipmodel fit shards -o runs/first --preset small --steps 20000
    lipmodel fit shards -o runs/first --resume
    lipmodel fit shards --variant chung
    lipmodel fit shards --stages flow --flownet-weights flownets.pth
    lipmodel fit shards --variant sync --manifest manifests/grid-sync.csv

    The run folder gets config.json, metrics.jsonl, log.txt, TensorBoard events, samples/ (pictures: real, generated,
    flow of both) and checkpoints/ (the newest three and the best); flow/ and autoencoder/ get the same.
    """
    from lipmodel.config import load_run
    from lipmodel.training import fit as run_fit

    grouped: dict[str, Any] = {
        "steps": {name: options.pop(name) for name in STEP_OPTIONS},
        "speed": {field.name: options.pop(field.name) for field in fields(Speed)},
    }
    grouped["weights"] = {name: options.pop(name) for name in loss_names()}
    folder = run_fit(**options, **grouped, stages=stages, resume=resume)
    if folder and load_run(folder).variant == "sync":
        click.echo(f"next: lipmodel sync {options['shards']} --run {folder}")
    elif folder:
        click.echo(f"next: lipmodel generate {folder} --image FACE --audio SPEECH -o out.mp4")
