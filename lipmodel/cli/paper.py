"""The paper's tables."""

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from lipmodel.cli.options import FILE, FOLDER, STEPS, preset_option
from lipmodel.variants import FULL, VARIANTS

if TYPE_CHECKING:
    from lipmodel.paper import Experiment


def study_options(command: Any) -> Any:
    """What ``ablate`` and ``compare`` have in common."""
    options = (
        click.argument("shards", type=FOLDER),
        click.option("-o", "--out", type=FOLDER, help="Folder of the runs.  [default: runs/SHARDS-PRESET-variants]"),
        preset_option,
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


@click.command()
@study_options
def ablate(**options: Any) -> None:
    """Train and measure variants a to i of the paper's Table 2 and our j and k alike, and write that table, ours beside
    the paper's.

    \b
    lipmodel ablate shards
    lipmodel ablate shards --preset tiny --steps 800 --split val

    The same command again goes on where it was stopped. Each variant is a run of its own in OUT, to generate with or
    to train further; stages flow and autoencoder are learnt once. OUT gets table2.md and table2.csv.
    """
    from lipmodel.paper import ABLATION

    _conduct(ABLATION, **options)


@click.command()
@study_options
def compare(**options: Any) -> None:
    """Train and measure the baselines of the paper's Table 3 and the full model alike, and write that table.

    \b
    lipmodel compare shards

    The same command again goes on where it was stopped; a full model that ablate has trained in OUT is not trained
    anew. OUT gets table3.md and table3.csv.
    """
    from lipmodel.paper import COMPARISON

    _conduct(COMPARISON, **options)


def _conduct(study: "Experiment", split: str, **options: Any) -> None:
    from lipmodel.paper import run_experiment
    from lipmodel.training import FitOptions

    steps = {name: options.pop(name) for name in VARIANTS[FULL].stages}
    path, table = run_experiment(
        study, FitOptions(**options, steps=steps), split=split, say=partial(click.echo, err=True)
    )
    click.echo(f"{table}\n\nthis table: {path}; with intervals: {path.with_suffix('.csv')}")
