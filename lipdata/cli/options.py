"""Argument types and options that several commands share."""

from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
PATH = click.Path(path_type=Path)

pipeline_option = click.option(
    "--pipeline", default="grid", show_default=True, help="A pipeline's name, or a .toml file."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace OUT.")
