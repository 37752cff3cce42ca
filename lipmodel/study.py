"""Several variants, learnt and measured alike: the paper's Tables 2 and 3."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lipdata.errors import LipdataError
from lipdata.faces import predictor_path
from lipdata.files import remove_leftovers, sha256, write_whole
from lipmodel import config, evaluation
from lipmodel.config import Run
from lipmodel.evaluate import FILE_NAME, evaluate, versions
from lipmodel.evaluation import AS_A_MEAN, Evaluation
from lipmodel.fit import STAGES, fit
from lipmodel.folder import newest
from lipmodel.held_out import digest_of, held_out
from lipmodel.paper_tables import as_csv, table_2, table_3
from lipmodel.plan import Wish, chosen_preset, continued_run, new_run
from lipmodel.speak import chosen_checkpoint
from lipmodel.stages import gan
from lipmodel.variants import FULL, VARIANTS


@dataclass(frozen=True)
class Study:
    """What a table of the paper compares.

    Attributes:
        name: of the files to write.
        variants: in the order of the paper.
        table: makes the Markdown of what was found.
    """

    name: str
    variants: tuple[str, ...]
    table: Callable[[Mapping[str, Evaluation]], str]


ABLATION = Study("table2", tuple("abcdefghi"), table_2)
COMPARISON = Study("table3", ("vondrick", "chung", FULL), table_3)


def conduct(study: Study, wish: Wish, *, split: str, say: Callable[[str], None]) -> tuple[Path, str]:
    """Train and measure each variant in ``out/VARIANT``, with the same seed, steps and data; write the table.

    What is done is not done again: the same call goes on where the last one was stopped, and another study in the same
    folder takes over what both have. Stages flow and autoencoder know nothing of the variant: the first learns for all.

    Args:
        wish: what all variants have in common; without ``out`` the folder is ``runs/SHARDS-PRESET-variants``.
        split: to measure on.
        say: is told what begins.

    Returns:
        The table's Markdown file, and what stands in it.

    Raises:
        LipdataError: as of ``fit`` and ``evaluate``; or a run in ``out`` that has learnt otherwise.
    """
    out = wish.out or Path("runs") / f"{wish.shards.absolute().name}-{chosen_preset(wish)}-variants"
    runs = {variant: _run(replace(wish, out=out / variant, variant=variant)) for variant in study.variants}
    _require_alike(out, runs)
    first = next(iter(runs.values()))
    # What would stop the measuring is told before days of learning.
    held_out(wish.shards, Path(first.manifest), split, first)
    predictor_path()
    found = {}
    for number, (variant, run) in enumerate(runs.items(), start=1):
        about, folder = f"variant {variant} ({number} of {len(runs)})", out / variant
        _begin(folder, run)
        _take_over(folder, run)
        if newest(folder, gan.NAME)[1] < run.steps.gan:
            say(f"{about}: learning in {folder}")
            fit(folder, run)
        known = _known(folder, run, wish.shards, split)
        if known is None:
            say(f"{about}: measuring on split {split}")
            place, manifest = folder / f"evaluation-{split}", Path(run.manifest)
            known = evaluate(folder, wish.shards, place, split=split, manifest_path=manifest, overwrite=True)
        found[variant] = known
    path, table = out / f"{study.name}.md", study.table(found)
    write_whole(path, f"{_title(study, first, split, found)}\n\n{table}\n".encode())
    write_whole(path.with_suffix(".csv"), as_csv(found))
    return path, table


def _title(study: Study, run: Run, split: str, found: Mapping[str, Evaluation]) -> str:
    """What a reader must know of all columns."""
    first = next(iter(found.values()))
    learnt = f"preset {run.preset}, seed {run.seed}, {run.steps.gan} steps of {run.batch} windows"
    measured = f"split {split}: {first.measured} clips of {len(first.speakers)} speakers, {first.windows} windows"
    return f"Each variant: {learnt}; measured on {measured}. Intervals: {study.name}.csv. {AS_A_MEAN}"


def _run(wish: Wish) -> Run:
    """The run of one variant: the one that stands there, else a new one. Nothing is written.

    Raises:
        LipdataError: what stands there has learnt otherwise, or more.
    """
    assert wish.out is not None
    if wish.out.is_dir():
        remove_leftovers(wish.out)
    if not (wish.out / config.FILE_NAME).exists():
        return new_run(wish)[1]
    folder, run = continued_run(wish)
    old = Path(config.load(folder).manifest)
    if old.is_file() and sha256(old) != sha256(Path(run.manifest)):
        raise LipdataError(
            f"{folder} has learnt with the splits of {old}, not those of {run.manifest}; take another -o"
        )
    for name in STAGES:
        done, asked = newest(folder, name)[1], getattr(run.steps, name)
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
    if not (folder / config.FILE_NAME).exists() or config.load(folder) != run:
        config.save(folder, run)


def _take_over(folder: Path, run: Run) -> None:
    """Copy the stages that all variants share from one that has finished them, each whole or not at all."""
    for name in (stage for stage in STAGES if stage != gan.NAME):
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
    if not (other / config.FILE_NAME).exists() or newest(other, name)[1] < getattr(run.steps, name):
        return False
    its = config.load(other)
    return replace(its, variant=run.variant, weights=run.weights, switches=run.switches) == run


def _known(folder: Path, run: Run, shards: Path, split: str) -> Evaluation | None:
    """What was measured before, if it was with these weights, on these clips and by these versions."""
    path = folder / f"evaluation-{split}" / FILE_NAME
    try:
        found = evaluation.read(path)
    except LipdataError:
        return None  # none yet, or of another version
    weights, _ = chosen_checkpoint(folder, run, best=False)
    files = (sha256(weights), sha256(Path(run.manifest)), digest_of(shards), versions())
    then = (found.checkpoint_sha256, found.manifest_sha256, found.shards_digest, found.versions)
    return found if files == then else None
