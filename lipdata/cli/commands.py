"""The command lipdata: its groups of commands together."""

import click

from lipdata.cli.analysis import delay, info, report_command, show
from lipdata.cli.getting_started import demo, doctor
from lipdata.cli.group import CommandGroup
from lipdata.cli.ingest import ingest
from lipdata.cli.manifest import check, manifest_command


@click.group(
    "lipdata", cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="lipdata")
def main() -> None:
    """Talking-face corpora into shards of mouth crops, log-mel and optical flow.

    \b
    lipdata doctor               what is missing on this machine
    lipdata demo demo            a few real clips and a synthetic corpus to try everything with
    lipdata ingest demo/grid     ... into shards/
    lipdata info shards          what came of it
    """


for command in (doctor, demo, ingest, manifest_command, check, info, show, delay, report_command):
    main.add_command(command)
