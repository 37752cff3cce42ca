"""Whether sound fits picture."""

import shlex
import sys
from pathlib import Path

import click

from lipmodel.cli.options import FILE, FOLDER


@click.command()
@click.argument("inputs", metavar="SHARDS | FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--media", is_flag=True, help="The inputs are media files, not a shard folder.")
@click.option("-o", "--out", type=FILE, help="CSV to write.  [default: SHARDS/sync.csv; none for --media]")
@click.option("--run", type=FOLDER, help="Towers of a run of fit --variant sync.  [default: those that ship]")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
@click.option("--overwrite", is_flag=True, help="Replace the CSV if it exists.")
def sync(
    inputs: tuple[Path, ...], media: bool, out: Path | None, run: Path | None, jobs: int | None, overwrite: bool
) -> None:
    """Find by how many frames the sound of each clip is late, and how sure that is.

    \b
    lipmodel sync shards
    lipmodel sync shards -o sync.csv -j 8
    lipmodel sync --media interview.mp4 dubbed.mov

    offset_frames is positive where the mouth moves before its sound: at 25 frames a second +3 means that the sound is
    120 ms late, and -3 that it is 120 ms early. Shifts of up to 15 frames are tried.

    distance is 1 - cosine at the best shift, confidence the best cosine less the median over the shifts; they are this
    network's and not SyncNet's. confidence_sd says how far the best shift stands out, in standard deviations of pairs
    that do not fit: the folder's clips with each other's sound; for single files, under ten clips, and where these
    look like no speech, those of the model card. From 2 on an offset can be relied on. offset_min and offset_max are
    over the windows of 2 s that reach it: a long clip that drifts or is cut together shows. Where nothing can be said,
    as of a clip that is too short, too still or silent, a reason stands in their place.

    The same command goes on where it was stopped.
    """
    if not media and len(inputs) != 1:
        raise click.UsageError(f"{len(inputs)} folders; give one, or media files with --media.")
    if media and jobs:
        raise click.UsageError("-j is for a shard folder; media files are measured one by one.")
    try:
        from lipmodel.sync import load_sync, sync_folder, sync_media
        from lipmodel.training import load_sync_run

        network = load_sync_run(run) if run else load_sync()
        if media:
            heard = sync_media(inputs, out, network=network, overwrite=overwrite)
        else:
            found = sync_folder(inputs[0], out, network=network, workers=jobs, overwrite=overwrite)
    except KeyboardInterrupt:
        click.echo(f"stopped; measured shards are kept\nnext: {shlex.join(['lipmodel', *sys.argv[1:]])}", err=True)
        sys.exit(130)
    if media:
        click.echo("\n".join(heard.lines()))
        sys.exit(1 if heard.failed else 0)
    click.echo("\n".join(found.lines()))
    click.echo(f"each clip: {found.path}\nnext: lipdata report {inputs[0]} -o report.html")
