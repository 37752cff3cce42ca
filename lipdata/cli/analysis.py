"""Looking at a shard folder."""

import json
from pathlib import Path

import click

from lipdata.cli.options import FILE, FOLDER, json_option, overwrite_option


@click.command()
@click.argument("shards", type=FOLDER)
@json_option
def info(shards: Path, as_json: bool) -> None:
    """Counts, hours, speakers and failures of a shard folder."""
    from dataclasses import asdict

    from lipdata.errors import LipdataError
    from lipdata.shards import ShardFolder, count_sync, summarise

    summary, counts, odd = summarise(shards), None, []
    try:
        sync = ShardFolder(shards).sync
        counts = None if sync is None else count_sync(sync)
    except LipdataError as error:  # the folder's own counts are right all the same
        odd = [str(error)]
    if as_json:
        click.echo(json.dumps(asdict(summary) | {"sync": asdict(counts) if counts else None}))
    else:
        click.echo("\n".join([*summary.lines(), *([counts.line()] if counts else odd)]))


@click.command()
@click.argument("shards", type=FOLDER)
@click.argument("clip_id")
@click.option("-o", "--out", required=True, type=FILE, help="The PNG to write.")
@overwrite_option
def show(shards: Path, clip_id: str, out: Path, overwrite: bool) -> None:
    """Draw one clip: its mouths, their flow and log-mel on one time axis.

    \b
    lipdata show shards s1/bbaf2n -o bbaf2n.png
    """
    from lipdata.analysis import show_clip

    show_clip(shards, clip_id, out, overwrite=overwrite)
    click.echo(f"drawn: {out}")


@click.command()
@click.argument("shards", type=FOLDER)
@click.option("-o", "--out", default="delay.png", show_default=True, type=FILE, help="The PNG; the CSV goes beside it.")
@click.option("--overwrite", is_flag=True, help="Replace OUT and its CSV.")
def delay(shards: Path, out: Path, overwrite: bool) -> None:
    """Draw how long mouths move before their sound, with a CSV of every clip.

    Fig. 4 of the paper: of every clip, the Pearson correlation r of two series, a value a frame: how much the log-mel
    changes to the next frame, and how far the mouth's pixels move to it. Offset k (0 to 7) shifts the motion k frames
    to later times: sound at frame t meets motion at frame t - k. So a positive best offset says that the mouth moves
    before its sound; an offset at which it moves after its sound is not tried.

    A clip of fewer than 16 frames, silent, motionless or with values that are not finite has no r: the CSV says why.
    Drawn curves: of each of the four commonest best offsets, the clip with the median of their best r.

    \b
    lipdata delay shards                     -> delay.png, delay.csv
    lipdata delay shards -o grid-delay.png   -> grid-delay.png, grid-delay.csv
    """
    from lipdata.analysis import write_delay_study
    from lipdata.cli.progress import read_progress_bar

    summary = write_delay_study(shards, out, overwrite=overwrite, watch=read_progress_bar)
    click.echo(f"{summary}\ndrawn: {out}, every clip: {out.with_suffix('.csv')}\nnext: lipmodel fit {shards}")


@click.command("report")
@click.argument("shards", type=FOLDER)
@click.option("-o", "--out", default="report.html", show_default=True, type=FILE, help="The page to write.")
@overwrite_option
def report_command(shards: Path, out: Path, overwrite: bool) -> None:
    """Write one self-contained page about a shard folder, to see in a browser whether a corpus came out well.

    Counts, samples, every failed clip, clips that deserve a look and why, the delay between mouth and sound; and, where
    sync.csv of lipmodel sync lies beside the shards, its offsets and its worst clips. The page loads nothing: it can be
    sent as it is.

    \b
    lipdata report shards -o report.html
    """
    from lipdata.analysis import write_report
    from lipdata.cli.progress import read_progress_bar

    summary, flagged = write_report(shards, out, overwrite=overwrite, watch=read_progress_bar)
    click.echo(f"{flagged} clips flagged, {summary.failed} failed\nwritten: {out}, open it in a browser")
    if summary.ok:
        click.echo(f"next: lipmodel fit {shards}")
