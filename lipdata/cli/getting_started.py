"""What this machine lacks, and clips to try everything with."""

import sys
from pathlib import Path

import click

from lipdata.cli.options import FOLDER


@click.command()
def doctor() -> None:
    """Tell what is missing on this machine, and the command that mends it."""
    from lipdata.doctor import examine

    missing = False
    for finding in examine():
        mark = "ok     " if not finding.mend else "MISSING" if finding.needed else "absent "
        click.echo(f"{mark} {finding.what}: {finding.found}" + (f"\n        -> {finding.mend}" if finding.mend else ""))
        missing |= bool(finding.mend) and finding.needed
    sys.exit(2 if missing else 0)


@click.command()
@click.argument("out", type=FOLDER)
@click.option("--clips", default=12, show_default=True, type=click.IntRange(min=1), help="How many, of 3 speakers.")
def demo(out: Path, clips: int) -> None:
    """Write the built-in sample corpus to OUT, in GRID's folder layout.

    A portrait says GRID sentences: a toy for trying and testing, no measure of anything.

    \b
    lipdata demo sample && lipdata ingest sample -o shards
    """
    from lipdata.samples import write_synthetic_corpus

    with click.progressbar(length=clips, label="clips", file=sys.stderr) as bar:
        paths = write_synthetic_corpus(out, clips, lambda done, _: bar.update(done - bar.pos))
    click.echo(f"{len(paths)} clips in {out}\nnext: lipdata ingest {out} -o shards")
