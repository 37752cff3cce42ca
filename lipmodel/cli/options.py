"""Argument types and options that several commands share."""

from pathlib import Path

import click

from lipmodel.config import PRESETS

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
STEPS = click.IntRange(min=1)
WEIGHT = click.FloatRange(min=0)

preset_option = click.option(
    "--preset", type=click.Choice(list(PRESETS)), help="Size.  [default: paper on a GPU, else tiny]"
)
best_option = click.option(
    "--best", is_flag=True, help="Of all checkpoints, that with the lowest validation loss, not the newest."
)
