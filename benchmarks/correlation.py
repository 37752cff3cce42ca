"""Does a loss between sound and motion go on telling right from foreign sound while a generator learns?

    python benchmarks/correlation.py RUN...      # writes docs/benchmarks/correlation.md and docs/correlation.png

RUNs are folders of `lipmodel fit --variant e`, `j`, `k`, of equal preset, seed and steps, each measured before by
`lipmodel evaluate RUN SHARDS` (its evaluation-test/evaluation.json is read).
"""

import json
from pathlib import Path

import click
from matplotlib.figure import Figure
from page import machine, publish

from lipmodel.config import load_run
from lipmodel.evaluation import METRICS, MODEL, STILL, TITLES, TRUTH, format_metric, markdown_table, read_evaluation

TEXT = """# The correlation loss, as printed and as a contrast

Runs of preset {preset}, seed {seed}, {steps} steps of {batch} windows, split train of
manifests/grid-sample.csv. Written by
`python benchmarks/correlation.py RUN...`.

{machine}

1 - cosine of a motion with its own sound (corr) and with the sound of the batch's window before (corr_others). Variant
e has the paper's l_corr; j the contrast of the same networks, l_sync; k that of the frozen flow tower of the sync
network, l_expert, whose weight in the variant is .1.

![corr and corr_others over the steps](../correlation.png)

{curves}

On split test, whose speakers no run has seen, all speakers and by speaker:

{measures}
"""
SHOWN = ("lmd", "ssim", "cpbd", "sync_distance", "sync_confidence")
COLOURS = ("#777777", "#0b6e99", "#d9730d", "#6b4ea0")


def label(folder: Path) -> str:
    """The variant, and what else tells runs apart."""
    run = load_run(folder)
    weight = run.weights.get("expert")
    return f"{run.variant}, l_expert x {weight:g}" if weight else run.variant


def metrics_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def draw(runs: dict[str, list[dict[str, float]]]) -> None:
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for colour, (name, rows) in zip(COLOURS, runs.items(), strict=False):
        steps = [row["step"] for row in rows]
        axes.plot(steps, [row["corr"] for row in rows], color=colour, label=f"{name}: corr")
        others = [row["corr_others"] for row in rows]
        axes.plot(steps, others, color=colour, linestyle="--", label=f"{name}: corr_others")
    axes.set_xlabel("step")
    axes.set_ylabel("1 - cosine")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig("docs/correlation.png", dpi=120, metadata={"Software": None})


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def main(folders: tuple[Path, ...]) -> None:
    runs = {label(folder): metrics_of(folder) for folder in folders}
    draw(runs)
    marks = (50, 100, 200, 300, 500, 700, 900)
    rows = [
        [name, *(f"{at[step]['corr']:.3f} / {at[step]['corr_others']:.3f}" if step in at else "" for step in marks)]
        for name, at in ((name, {row["step"]: row for row in found}) for name, found in runs.items())
    ]
    names = [name for name in METRICS if name in SHOWN]
    measures = []
    for folder in folders:
        found, variant = read_evaluation(folder / "evaluation-test" / "evaluation.json"), label(folder)
        for group, videos in {"all": found.videos, **found.speakers}.items():
            for video in (TRUTH, STILL, MODEL) if folder == folders[0] else (MODEL,):
                means = [format_metric(name, videos[video][name].mean) for name in names]
                measures.append([f"{group}, {video if video != MODEL else variant}", *means])
    run = load_run(folders[0])
    publish(
        "correlation",
        TEXT.format(
            preset=run.preset,
            seed=run.seed,
            steps=run.steps.gan,
            batch=run.batch,
            machine=machine(),
            curves=markdown_table(["corr / corr_others at step", *map(str, marks)], rows),
            measures=markdown_table(["split test", *(TITLES[name] for name in names)], sorted(measures)),
        ),
    )


if __name__ == "__main__":
    main()
