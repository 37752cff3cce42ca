"""Several variants, learnt and measured alike: the paper's Tables 2 and 3."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lipdata.errors import LipdataError
from lipdata.files import sha256, write_whole
from lipmodel import config, evaluation
from lipmodel.config import Run
from lipmodel.evaluate import FILE_NAME, evaluate
from lipmodel.evaluation import AS_A_MEAN, Evaluation
from lipmodel.fit import STAGES, fit
from lipmodel.folder import newest
from lipmodel.held_out import manifest_of
from lipmodel.paper_tables import as_csv, table_2, table_3
from lipmodel.plan import Wish, chosen_preset, continued_run, new_run
from lipmodel.speak import chosen_checkpoint
from lipmodel.stages import gan
from lipmodel.variants import FULL


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
    found = {}
    for number, variant in enumerate(study.variants, start=1):
        about = f"variant {variant} ({number} of {len(study.variants)})"
        folder, run = _begun(replace(wish, out=out / variant, variant=variant))
        _take_over(folder, run)
        if newest(folder, gan.NAME)[1] < run.steps.gan:
            say(f"{about}: learning in {folder}")
            fit(folder, run)
        known = _known(folder, run, wish.shards, split)
        if known is None:
            say(f"{about}: measuring on split {split}")
            known = evaluate(folder, wish.shards, folder / f"evaluation-{split}", split=split, overwrite=True)
        found[variant] = known
    path, table = out / f"{study.name}.md", study.table(found)
    write_whole(path, f"{_title(study, run, split, found)}\n\n{table}\n".encode())
    write_whole(path.with_suffix(".csv"), as_csv(found))
    return path, table


def _title(study: Study, run: Run, split: str, found: Mapping[str, Evaluation]) -> str:
    """What a reader must know of all columns."""
    first = next(iter(found.values()))
    learnt = f"preset {run.preset}, seed {run.seed}, {run.steps.gan} steps of {run.batch} windows"
    measured = f"split {split}: {first.measured} clips of {len(first.speakers)} speakers, {first.windows} windows"
    return f"Each variant: {learnt}; measured on {measured}. Intervals: {study.name}.csv. {AS_A_MEAN}"


def _begun(wish: Wish) -> tuple[Path, Run]:
    """The run of one variant: the one that stands there, else a new one."""
    assert wish.out is not None
    if not (wish.out / config.FILE_NAME).exists():
        folder, run = new_run(wish)
        folder.mkdir(parents=True, exist_ok=True)
        config.save(folder, run)
        return folder, run
    folder, run = continued_run(wish)
    for name in STAGES:
        done, asked = newest(folder, name)[1], getattr(run.steps, name)
        if done > asked:
            raise LipdataError(f"{folder} has {done} steps of stage {name}, {asked} are asked for; take another -o")
    return folder, run


def _take_over(folder: Path, run: Run) -> None:
    """Copy the stages that all variants share from one that has finished them, each whole or not at all."""
    for name in (stage for stage in STAGES if stage != gan.NAME):
        done = (other for other in sorted(folder.parent.iterdir()) if _has_finished(other, name, run))
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
    """What was measured before, if it was with these weights and on these clips."""
    path = folder / f"evaluation-{split}" / FILE_NAME
    if not path.exists():
        return None
    found = evaluation.read(path)
    weights, _ = chosen_checkpoint(folder, run, best=False)
    same = (found.checkpoint_sha256, found.manifest_sha256) == (sha256(weights), sha256(manifest_of(run, shards)))
    return found if same else None
