"""Manifests: make one, check one."""

import json
import sys
from pathlib import Path

import click

from lipdata.cli.options import FILE, FOLDER, PATH, json_option, overwrite_option, pipeline_option


@click.command("manifest")
@click.argument("corpus", type=FOLDER)
@click.option("-o", "--out", required=True, type=FILE, help="The CSV to write.")
@pipeline_option
@click.option("--test", help="Speakers to test on, comma between.  [default: the pipeline's]")
@click.option("--val", type=click.FloatRange(0, 1, max_open=True), help="Share to validate on.  [default: same]")
@overwrite_option
def manifest_command(
    corpus: Path, out: Path, pipeline: str, test: str | None, val: float | None, overwrite: bool
) -> None:
    """Write the manifest of CORPUS alone, to edit and share.

    The split of a clip depends on its own name only, so two people with different parts of a corpus agree.

    \b
    lipdata manifest grid/ -o grid.csv --test s31,s20 --val 0.1
    """
    from lipdata.cli.progress import read_progress_bar
    from lipdata.corpus import make_manifest

    speakers = None if test is None else [name.strip() for name in test.split(",") if name.strip()]
    scan = make_manifest(
        corpus,
        out,
        pipeline=pipeline,
        test_speakers=speakers,
        val_fraction=val,
        overwrite=overwrite,
        watch=read_progress_bar,
    )
    click.echo("\n".join(scan.lines()))
    chosen = "" if pipeline == "grid" else f" --pipeline {pipeline}"
    click.echo(f"written: {out}\nnext: lipdata ingest {corpus} --manifest {out}{chosen}")


@click.command()
@click.argument("path", type=PATH)
@json_option
def check(path: Path, as_json: bool) -> None:
    """Check a manifest or a shard folder: every rule, every checksum. Exit status 2 if something is wrong.

    \b
    lipdata check shards
    lipdata check manifests/grid.csv
    """
    from lipdata.analysis import check_path

    broken = check_path(path)
    if as_json:
        click.echo(json.dumps({"path": str(path), "whole": not broken, "broken": broken}))
    else:
        click.echo("\n".join(broken) if broken else f"{path}: all well")
    sys.exit(2 if broken else 0)
