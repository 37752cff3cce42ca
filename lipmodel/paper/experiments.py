"""Several variants, learnt and measured alike: the paper's Tables 2 and 3."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lipdata.atomic_files import remove_partial_files, sha256_of_file, write_atomic
from lipdata.errors import LipdataError
from lipdata.face import predictor_path
from lipmodel.config import RUN_FILE, Run, load_run, save_run
from lipmodel.evaluation import (
    AS_A_MEAN,
    EVALUATION_FILE,
    Evaluation,
    evaluate_run,
    open_evaluation_set,
    package_versions,
    read_evaluation,
    shards_digest,
)
from lipmodel.inference import chosen_checkpoint, load
from lipmodel.paper.tables import as_csv, table_2, table_3
from lipmodel.training import GAN, STAGES, FitOptions, chosen_preset, new_run, newest_weights, resumed_run, train
from lipmodel.variants import FULL, VARIANTS


@dataclass(frozen=True)
class Experiment:
    """What a table of the paper compares.

    Attributes:
        name: of the files to write.
        variants: in the order of the paper.
        table: makes the Markdown of what was found.
    """

    name: str
    variants: tuple[str, ...]
    table: Callable[[Mapping[str, Evaluation]], str]


ABLATION = Experiment("table2", tuple("abcdefghijk"), table_2)
COMPARISON = Experiment("table3", ("vondrick", "chung", FULL), table_3)


def run_experiment(
    experiment: Experiment, options: FitOptions, *, split: str, say: Callable[[str], None]
) -> tuple[Path, str]:
    """Train and measure each variant in ``out/VARIANT``, with the same seed, steps and data; write the table.

    What is done is not done again: the same call goes on where the last one was stopped, and another study in the same
    folder takes over what both have. Stages flow and autoencoder know nothing of the variant: the first learns for all.

    Args:
        options: what all variants have in common; without ``out`` the folder is ``runs/SHARDS-PRESET-variants``.
        split: to measure on.
        say: called with a line about what begins.

    Returns:
        The table's Markdown file, and what stands in it.

    Raises:
        LipdataError: as of ``fit`` and ``evaluate``; or a run in ``out`` that has learnt otherwise.
    """
    out = options.out or Path("runs") / f"{options.shards.absolute().name}-{chosen_preset(options)}-variants"
    runs = {variant: _run(replace(options, out=out / variant, variant=variant)) for variant in experiment.variants}
    _require_alike(out, runs)
    first = next(iter(runs.values()))
    # What would stop the measuring is refused before days of training.
    open_evaluation_set(options.shards, Path(first.manifest), split, first)
    predictor_path()
    found = {}
    for number, (variant, run) in enumerate(runs.items(), start=1):
        about, folder = f"variant {variant} ({number} of {len(runs)})", out / variant
        _begin(folder, run)
        _take_over(folder, run)
        if newest_weights(folder, GAN)[1] < run.steps.gan:
            say(f"{about}: learning in {folder}")
            train(folder, run)
        known = _known(folder, run, options.shards, split)
        if known is None:
            say(f"{about}: measuring on split {split}")
            place, manifest = folder / f"evaluation-{split}", Path(run.manifest)
            known = evaluate_run(load(folder), options.shards, place, split=split, manifest=manifest, overwrite=True)
        found[variant] = known
    path, table = out / f"{experiment.name}.md", experiment.table(found)
    write_atomic(path, f"{_title(experiment, first, split, found)}\n\n{table}\n".encode())
    write_atomic(path.with_suffix(".csv"), as_csv(found))
    return path, table


def _title(experiment: Experiment, run: Run, split: str, found: Mapping[str, Evaluation]) -> str:
    """What a reader must know of all columns."""
    first = next(iter(found.values()))
    learnt = f"preset {run.preset}, seed {run.seed}, {run.steps.gan} steps of {run.batch} windows"
    measured = f"split {split}: {first.measured} clips of {len(first.speakers)} speakers, {first.windows} windows"
    return f"Each variant: {learnt}; measured on {measured}. Intervals: {experiment.name}.csv. {AS_A_MEAN}"


def _run(options: FitOptions) -> Run:
    """The run of one variant: the one that stands there, else a new one. Nothing is written.

    Raises:
        LipdataError: what stands there has learnt otherwise, or more.
    """
    assert options.out is not None
    if options.out.is_dir():
        remove_partial_files(options.out)
    if not (options.out / RUN_FILE).exists():
        return new_run(options)[1]
    folder, run = resumed_run(options)
    old = Path(load_run(folder).manifest)
    if old.is_file() and sha256_of_file(old) != sha256_of_file(Path(run.manifest)):
        raise LipdataError(
            f"{folder} has learnt with the splits of {old}, not those of {run.manifest}; take another -o"
        )
    for name in STAGES:
        done, asked = newest_weights(folder, name)[1], getattr(run.steps, name)
        if done > asked:
            raise LipdataError(f"{folder} has {done} steps of stage {name}, {asked} are asked for; take another -o")
    return run


def _require_alike(out: Path, runs: Mapping[str, Run]) -> None:
    """Variants differ in what makes the variant and in nothing else, or their numbers cannot be compared."""
    (name, first), *others = runs.items()
    for variant, run in others:
        for key, wanted in asdict(first).items():
            got = asdict(run)[key]
            if key not in ("variant", "weights", "switches", "workers") and got != wanted:
                raise LipdataError(
                    f"{out / variant} would learn with {key} {got}, {out / name} with {wanted}; "
                    "give the options that this folder was begun with, or take another -o"
                )


def _begin(folder: Path, run: Run) -> None:
    """The run's folder, with its configuration as it is now."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / RUN_FILE).exists() or load_run(folder) != run:
        save_run(folder, run)


def _take_over(folder: Path, run: Run) -> None:
    """Copy the stages that all variants share from one that has finished them, each whole or not at all."""
    for name in (stage for stage in STAGES if stage != GAN):
        done = (other for other in (folder.parent / v for v in VARIANTS) if _has_finished(other, name, run))
        source = next(done, None)
        if source is None or (folder / name).exists():
            continue
        hidden = folder / f".{name}.part"
        shutil.rmtree(hidden, ignore_errors=True)
        shutil.copytree(source / name, hidden, symlinks=True)
        hidden.rename(folder / name)


def _has_finished(other: Path, name: str, run: Run) -> bool:
    """Whether a run that differs in its variant alone has done all steps of a stage."""
    if not (other / RUN_FILE).exists() or newest_weights(other, name)[1] < getattr(run.steps, name):
        return False
    its = load_run(other)
    return replace(its, variant=run.variant, weights=run.weights, switches=run.switches) == run


def _known(folder: Path, run: Run, shards: Path, split: str) -> Evaluation | None:
    """What was measured before, if it was with these weights, on these clips and by these versions."""
    path = folder / f"evaluation-{split}" / EVALUATION_FILE
    try:
        found = read_evaluation(path)
    except LipdataError:
        return None  # none yet, or of another version
    weights, _ = chosen_checkpoint(folder, run, best=False)
    files = (sha256_of_file(weights), sha256_of_file(Path(run.manifest)), shards_digest(shards), package_versions())
    then = (found.checkpoint_sha256, found.manifest_sha256, found.shards_digest, found.versions)
    return found if files == then else None
