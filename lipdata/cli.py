"""The command lipdata: parse, call, print."""

import json
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from lipdata.commands import Commands
from lipdata.errors import LipdataError

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
PATH = click.Path(path_type=Path)

pipeline_option = click.option(
    "--pipeline", "pipeline_name", default="grid", show_default=True, help="A pipeline's name, or a .toml file."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(
    "lipdata", cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="lipdata")
def main() -> None:
    """Talking-face corpora into shards of mouth crops, log-mel and optical flow.

    \b
    lipdata doctor               what is missing on this machine
    lipdata demo sample          a small corpus to try everything with
    lipdata ingest sample        ... into shards/
    lipdata info shards          what came of it
    """


@main.command()
def doctor() -> None:
    """Tell what is missing on this machine, and the command that mends it."""
    from lipdata.doctor import examine

    missing = False
    for finding in examine():
        mark = "ok     " if not finding.mend else "MISSING" if finding.needed else "absent "
        click.echo(f"{mark} {finding.what}: {finding.found}" + (f"\n        -> {finding.mend}" if finding.mend else ""))
        missing |= bool(finding.mend) and finding.needed
    sys.exit(2 if missing else 0)


@main.command()
@click.argument("out", type=FOLDER)
@click.option("--clips", default=12, show_default=True, type=click.IntRange(min=1), help="How many, of 3 speakers.")
def demo(out: Path, clips: int) -> None:
    """Write the built-in sample corpus to OUT, in GRID's folder layout.

    A portrait says GRID sentences: a toy for trying and testing, no measure of anything.

    \b
    lipdata demo sample && lipdata ingest sample -o shards
    """
    from lipdata.sample.corpus import write_corpus

    with click.progressbar(length=clips, label="clips", file=sys.stderr) as bar:
        paths = write_corpus(out, clips, lambda done, _: bar.update(done - bar.pos))
    click.echo(f"{len(paths)} clips in {out}\nnext: lipdata ingest {out} -o shards")


@main.command()
@click.argument("corpus", type=FOLDER)
@click.option("-o", "--out", default="shards", show_default=True, type=FOLDER, help="The shard folder to make.")
@pipeline_option
@click.option("--manifest", "manifest_path", type=FILE, help="Take these clips and splits, not what is found.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Worker processes.  [default: the number of cores]")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N clips, by clip id.")
@click.option("--landmarks", type=FILE, envvar="LIPDATA_LANDMARKS", help="Another 68-point predictor of dlib's.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first clip that fails.")
@click.option("--max-failed", default=0, show_default=True, type=click.IntRange(min=0), help="Failed clips to accept.")
@click.option("--backend", type=click.Choice(["loky", "dask"]), default="loky", show_default=True, help="Who works.")
@click.option("--scheduler", help="Of --backend dask: tcp://HOST:PORT.  See docs/scaling.md.")
@click.option("--overwrite", is_flag=True, help="Begin anew: remove the shards that ingest has made in OUT.")
def ingest(
    corpus: Path,
    out: Path,
    pipeline_name: str,
    manifest_path: Path | None,
    jobs: int | None,
    limit: int | None,
    landmarks: Path | None,
    fail_fast: bool,
    max_failed: int,
    backend: str,
    scheduler: str | None,
    overwrite: bool,
) -> None:
    """Turn the clips of CORPUS into shards.

    The same command again goes on where it was stopped, whatever stopped it: shards that are whole stay.

    Every clip found ends in OUT/ledger.csv, as ok or as failed with stage and reason. Exit status 1 if more clips
    failed than --max-failed.

    \b
    lipdata ingest grid/
    lipdata ingest grid/ -o shards -j 8 --max-failed 20
    lipdata ingest lectures/ --pipeline lectures.toml --manifest lectures.csv
    lipdata ingest /shared/grid -o /shared/shards --backend dask --scheduler tcp://head:8786
    """
    if (backend == "dask") != bool(scheduler):
        raise click.UsageError("--backend dask and --scheduler tcp://HOST:PORT go together.")
    try:
        with _ended_as_by_ctrl_c():
            import joblib

            from lipdata import corpora, manifest, pipeline
            from lipdata.faces import predictor_path
            from lipdata.ingest import ingest as run
            from lipdata.progress import clip_progress
            from lipdata.summary import summarise

            setup = pipeline.load(pipeline_name)
            rows = manifest.read(manifest_path) if manifest_path else corpora.find_clips(corpus, setup.corpus)
            rows = rows[:limit]
            with clip_progress(len(rows)) as report:
                run(
                    corpus,
                    rows,
                    out,
                    setup,
                    predictor=predictor_path(landmarks),
                    jobs=jobs or joblib.cpu_count(),
                    fail_fast=fail_fast,
                    report=report,
                    scheduler=scheduler,
                    overwrite=overwrite,
                )
    except KeyboardInterrupt:
        same = [word for word in sys.argv[1:] if word != "--overwrite"]
        click.echo(f"stopped; whole shards are kept\nnext: {shlex.join(['lipdata', *same])}", err=True)
        sys.exit(130)
    summary = summarise(out)
    click.echo("\n".join(summary.lines()))
    if summary.failed:
        click.echo(f"each failed clip: {out}/ledger.csv")
    if summary.ok:
        click.echo(f"next: lipmodel fit {out}")
    sys.exit(1 if summary.failed > max_failed else 0)


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """What else asks a run to end, does it as well as Ctrl-C: a batch system, a terminal that is closed."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler == signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@main.command("manifest")
@click.argument("corpus", type=FOLDER)
@click.option("-o", "--out", required=True, type=FILE, help="The CSV to write.")
@pipeline_option
@click.option("--test", help="Speakers to test on, comma between.  [default: the pipeline's]")
@click.option("--val", type=click.FloatRange(0, 1, max_open=True), help="Share to validate on.  [default: same]")
@click.option("--overwrite", is_flag=True, help="Replace OUT.")
def manifest_command(
    corpus: Path, out: Path, pipeline_name: str, test: str | None, val: float | None, overwrite: bool
) -> None:
    """Write the manifest of CORPUS alone, to edit and share.

    The split of a clip depends on its own name only, so two people with different parts of a corpus agree.

    \b
    lipdata manifest grid/ -o grid.csv --test s31,sA --val 0.1
    """
    from dataclasses import replace

    from lipdata import corpora, manifest, pipeline

    if out.exists() and not overwrite:
        raise LipdataError(f"{out} is there already; choose another -o or say --overwrite")
    rule = pipeline.load(pipeline_name).corpus
    if test is not None:
        rule = replace(rule, test_speakers=tuple(name.strip() for name in test.split(",") if name.strip()))
    if val is not None:
        rule = replace(rule, val_fraction=val)
    rows = corpora.find_clips(corpus, rule)
    with click.progressbar(rows, label="hashing", file=sys.stderr) as shown:
        manifest.write(out, [corpora.hashed(row, corpus) for row in shown])
    counts = ", ".join(f"{name or 'no split'} {n}" for name, n in sorted(Counter(row.split for row in rows).items()))
    click.echo(f"{len(rows)} clips ({counts}) in {out}\nnext: lipdata ingest {corpus} --manifest {out}")


@main.command()
@click.argument("path", type=PATH)
@json_option
def check(path: Path, as_json: bool) -> None:
    """Check a manifest or a shard folder: every rule, every checksum. Exit status 2 if something is wrong.

    \b
    lipdata check shards
    lipdata check manifests/grid.csv
    """
    from lipdata.check import check as broken_rules

    broken = broken_rules(path)
    if as_json:
        click.echo(json.dumps({"path": str(path), "whole": not broken, "broken": broken}))
    else:
        click.echo("\n".join(broken) if broken else f"{path}: all well")
    sys.exit(2 if broken else 0)


@main.command()
@click.argument("shards", type=FOLDER)
@json_option
def info(shards: Path, as_json: bool) -> None:
    """Counts, hours, speakers and failures of a shard folder."""
    from dataclasses import asdict

    from lipdata.summary import summarise

    summary = summarise(shards)
    click.echo(json.dumps(asdict(summary)) if as_json else "\n".join(summary.lines()))


@main.command()
@click.argument("shards", type=FOLDER)
@click.argument("clip_id")
@click.option("-o", "--out", required=True, type=FILE, help="The PNG to write.")
@click.option("--overwrite", is_flag=True, help="Replace OUT.")
def show(shards: Path, clip_id: str, out: Path, overwrite: bool) -> None:
    """Draw one clip: its mouths, their flow and log-mel on one time axis.

    \b
    lipdata show shards s1/bbaf2n -o bbaf2n.png
    """
    from lipdata.show import show_clip

    show_clip(shards, clip_id, out, overwrite=overwrite)
    click.echo(f"drawn: {out}")


@main.command()
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
    from lipdata import delay_figure
    from lipdata.delay import study, summary
    from lipdata.progress import clips_read
    from lipdata.shards import open_folder

    png, csv = delay_figure.targets(out, overwrite=overwrite)
    found = open_folder(shards)
    with clips_read(sum(len(shard.clips) for shard in found)) as done:
        table = study(found, done)
    delay_figure.save(table, png, csv)
    click.echo(f"{summary(table)}\ndrawn: {png}, every clip: {csv}\nnext: lipmodel fit {shards}")


@main.command("report")
@click.argument("shards", type=FOLDER)
@click.option("-o", "--out", default="report.html", show_default=True, type=FILE, help="The page to write.")
@click.option("--overwrite", is_flag=True, help="Replace OUT.")
def report_command(shards: Path, out: Path, overwrite: bool) -> None:
    """Write one self-contained page about a shard folder, to see in a browser whether a corpus came out well.

    Counts, samples, every failed clip, clips that deserve a look and why, the delay between mouth and sound. The page
    loads nothing: it can be sent to somebody as it is.

    \b
    lipdata report shards -o report.html
    """
    from lipdata.progress import clips_read
    from lipdata.report import write_report

    summary, flagged = write_report(shards, out, overwrite=overwrite, watch=clips_read)
    click.echo(f"{flagged} clips flagged, {summary.failed} failed\nwritten: {out}, open it in a browser")
    if summary.ok:
        click.echo(f"next: lipmodel fit {shards}")
