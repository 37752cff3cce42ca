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
@click.option(
    "--clips", default=12, show_default=True, type=click.IntRange(min=1), help="Synthetic ones, of 3 speakers."
)
def demo(out: Path, clips: int) -> None:
    """Write clips to try everything with: OUT/grid and OUT/synthetic, both in GRID's folder layout.

    OUT/grid holds eight real clips of GRID (CC BY 4.0) and their manifest.csv; s22 and s23 are split test. In
    OUT/synthetic a portrait says GRID sentences: a toy for trying and testing, no measure of anything.

    \b
    lipdata demo demo && lipdata ingest demo/grid --manifest demo/grid/manifest.csv
    """
    from lipdata.samples import write_demo

    # Shown from the first clip on: a refusal before it is one line.
    bar = click.progressbar(length=clips, label="synthetic clips", file=sys.stderr)
    real, synthetic = write_demo(out, clips, lambda done, _: bar.update(done - bar.pos))
    bar.render_finish()
    click.echo(f"{len(real)} real clips in {out / 'grid'}\n{len(synthetic)} synthetic clips in {out / 'synthetic'}")
    click.echo(f"next: lipdata ingest {out / 'grid'} --manifest {out / 'grid' / 'manifest.csv'}")
