"""The command lipmodel: its groups of commands together."""

import click

from lipdata.cli import CommandGroup
from lipmodel.cli.evaluation import evaluate
from lipmodel.cli.inference import generate
from lipmodel.cli.paper import ablate, compare
from lipmodel.cli.sync import sync
from lipmodel.cli.training import fit


@click.group("lipmodel", cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Make a mouth speak: learn from shards of lipdata, then generate video from a picture and speech.

    \b
    lipmodel fit shards
    lipmodel generate runs/shards-tiny --image face.jpg --audio speech.wav -o out.mp4
    lipmodel evaluate runs/shards-tiny shards
    lipmodel sync shards
    """


for command in (fit, generate, evaluate, ablate, compare, sync):
    main.add_command(command)
