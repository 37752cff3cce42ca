"""The ingest run."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from lipdata.cli.options import FILE, FOLDER, PATH, pipeline_option


@click.command()
@click.argument("corpus", type=FOLDER)
@click.option("-o", "--out", default="shards", show_default=True, type=FOLDER, help="The shard folder to make.")
@pipeline_option
@click.option("--manifest", type=FILE, help="Take these clips and splits, not what is found.")
@click.option(
    "-j", "--jobs", "workers", type=click.IntRange(min=1), help="Worker processes.  [default: the number of cores]"
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N clips, by clip id.")
@click.option("--landmarks", type=PATH, help="Another predictor, or landmarks (see below).")
@click.option("--sync-csv", type=FILE, help="A table of lipmodel sync: move the sound (see below).")
@click.option("--fail-fast", is_flag=True, help="Stop at the first clip that fails.")
@click.option("--max-failed", default=0, show_default=True, type=click.IntRange(min=0), help="Failed clips to accept.")
@click.option("--strict", is_flag=True, help="Media files that fit no layout count as failed clips.")
@click.option("--backend", type=click.Choice(["loky", "dask"]), default="loky", show_default=True, help="Who works.")
@click.option("--scheduler", help="Of --backend dask: tcp://HOST:PORT.  See docs/scaling.md.")
@click.option("--overwrite", is_flag=True, help="Begin anew: remove the shards that ingest has made in OUT.")
def ingest(corpus: Path, out: Path, max_failed: int, strict: bool, backend: str, **options: Any) -> None:
    """Turn the clips of CORPUS into shards.

    The same command again goes on where it was stopped, whatever stopped it: shards that are whole stay.

    Every clip found ends in OUT/ledger.csv, as ok or as failed with stage and reason. Exit status 1 if more clips
    failed than --max-failed. Media files whose path fits no layout stand there too, as unmatched.

    --landmarks is another 68-point predictor of dlib's (.dat), or landmarks that you have: a folder of CLIP_ID.npy or
    one .npz, each array frames x 68 x 2 in source pixels, NaN where a frame has no face. The default is what
    the variable LIPDATA_LANDMARKS names.

    --sync-csv is what lipmodel sync has written of shards of this corpus. The sound of a clip that is late by x seconds
    is moved x seconds earlier, where its offset is confident; all else stays. The ledger's column sync_offset_s says
    by how much.

    \b
    lipdata ingest grid/
    lipdata ingest grid/ -o shards -j 8 --max-failed 20
    lipdata ingest grid/ -o moved --sync-csv shards/sync.csv
    lipdata ingest lectures/ --pipeline lectures.toml --manifest lectures.csv
    lipdata ingest /shared/grid -o /shared/shards --backend dask --scheduler tcp://head:8786
    """
    if (backend == "dask") != bool(options["scheduler"]):
        raise click.UsageError("--backend dask and --scheduler tcp://HOST:PORT go together.")
    try:
        with _interrupted_by_signals():
            from lipdata.cli.progress import ingest_progress_bar
            from lipdata.ingestion import ingest as run_ingest

            with ingest_progress_bar() as progress:
                run_ingest(corpus, out, progress=progress, **options)
    except KeyboardInterrupt:
        same = [word for word in sys.argv[1:] if word != "--overwrite"]
        click.echo(f"stopped; whole shards are kept\nnext: {shlex.join(['lipdata', *same])}", err=True)
        sys.exit(130)
    from lipdata.shards import summarise

    summary = summarise(out)
    click.echo("\n".join(summary.lines()))
    if summary.failed or summary.unmatched:
        click.echo(f"each of them: {out}/ledger.csv")
    if summary.ok:
        click.echo(f"next: lipmodel fit {out}")
    failed = summary.failed + (summary.unmatched if strict else 0)
    sys.exit(1 if failed > max_failed else 0)


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP interrupt as Ctrl-C does: a batch system sends the first, a closed terminal the second."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler == signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
