"""Measuring a run."""

import json
from pathlib import Path

import click

from lipmodel.cli.options import FILE, FOLDER, best_option


@click.command()
@click.argument("run", type=FOLDER)
@click.argument("shards", type=FOLDER)
@click.option("--split", default="test", show_default=True, help="Split of the manifest to measure on.")
@click.option("--manifest", type=FILE, help="Which clips are in which split.  [default: the run's]")
@best_option
@click.option("--paper", is_flag=True, help="Show the paper's numbers too, and ours measured the paper's way.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes that measure.  [default: one a core]")
@click.option("-o", "--out", type=FOLDER, help="Folder to write.  [default: RUN/evaluation-SPLIT]")
@click.option("--overwrite", is_flag=True, help="Replace the evaluation that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(
    run: Path,
    shards: Path,
    split: str,
    manifest: Path | None,
    best: bool,
    paper: bool,
    jobs: int | None,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure RUN on the windows of a split of SHARDS: landmark distance, SSIM, PSNR, sharpness, sync.

    \b
    lipmodel evaluate runs/shards-tiny shards
    lipmodel evaluate runs/shards-tiny shards --split val --paper

    The real video and its first frame repeated ("still") are measured in the same way: a model must beat the second.
    OUT gets evaluation.json, per_clip.csv, per_frame.csv, and best.png, median.png and worst.png (by LMD): real above
    generated. What each number means: docs/measuring.md.
    """
    from lipmodel.evaluation import evaluate_run
    from lipmodel.inference import load

    out, model = out or run / f"evaluation-{split}", load(run, best=best)
    found = evaluate_run(model, shards, out, split=split, manifest=manifest, workers=jobs, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(found.to_json()))
        return
    click.echo("\n".join(found.lines(paper=paper)))
    click.echo(f"every clip: {out}/per_clip.csv" + "".join(f", {out}/{name}.png" for name in found.examples))
    click.echo(f"next: lipmodel ablate {shards}")
