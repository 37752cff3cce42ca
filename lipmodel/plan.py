"""What the user asked for -> the run folder and the ``Run`` in it: a new one, or one to be continued."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from lipdata import pipeline
from lipdata.errors import LipdataError
from lipdata.shards import STRIDE, WINDOW, Shard, open_folder
from lipmodel import config
from lipmodel.config import PRESETS, Run

LAMBDA_PIX = 0.5  # paper, Eq. 2


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The options of ``lipmodel fit``; None where the user gave none."""

    shards: Path
    out: Path | None = None
    preset: str | None = None
    steps: int | None = None
    batch: int | None = None
    manifest: Path | None = None
    split: str | None = None
    seed: int | None = None
    workers: int | None = None
    precision: str | None = None


def new_run(wish: Wish) -> tuple[Path, Run]:
    """Choose what the user left open.

    Without a preset: ``paper`` on a GPU, ``tiny`` on a CPU, where a step at full width takes a minute.

    Raises:
        LipdataError: the folder is in use, or there are no shards.
    """
    folder, name = _folder(wish), _preset(wish)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LipdataError(f"{folder} is not empty; continue it with --resume, or choose another folder with -o")
    preset = PRESETS[name]
    shard = open_folder(wish.shards)[0]
    attributes = shard.attributes
    _require_shapes(shard)
    run = Run(
        shards=str(wish.shards.absolute()),
        manifest=str((wish.manifest or wish.shards / "manifest.csv").absolute()),
        split="train" if wish.split is None else wish.split,
        preset=name,
        seed=wish.seed or 0,
        steps=wish.steps or preset.steps,
        batch=wish.batch or preset.batch,
        workers=2 if wish.workers is None else wish.workers,
        log_every=preset.log_every,
        checkpoint_every=preset.checkpoint_every,
        precision=wish.precision or _precision(),
        network=preset.network,
        adam=preset.adam,
        pipeline=pipeline.from_json(attributes["pipeline"]),
        pipeline_digest=attributes["pipeline_digest"],
        window_frames=WINDOW,
        window_stride=STRIDE,
        loss_weights={"pixel": LAMBDA_PIX},
    )
    return folder, run


def continued_run(wish: Wish) -> tuple[Path, Run]:
    """Read the run to continue. ``steps`` and ``workers`` may be new, all else stays as it was.

    Raises:
        LipdataError: no run there, an option that contradicts it, or shards of another pipeline.
    """
    folder = _folder(wish)
    run = config.load(folder)
    fixed = {"preset": wish.preset, "batch": wish.batch, "split": wish.split, "seed": wish.seed}
    fixed["precision"] = wish.precision
    for name, asked in fixed.items():
        if asked is not None and asked != getattr(run, name):
            raise LipdataError(f"--{name} {asked}, but {folder} began with {getattr(run, name)}; leave --{name} out")
    digest = open_folder(wish.shards)[0].attributes["pipeline_digest"]
    if digest != run.pipeline_digest:
        raise LipdataError(f"{wish.shards} are of another pipeline than {folder}; resume with {run.shards}")
    steps = run.steps if wish.steps is None else wish.steps
    workers = run.workers if wish.workers is None else wish.workers
    # A shard folder may have moved, and its manifest with it.
    moved = run.manifest == str(Path(run.shards) / "manifest.csv")
    manifest = wish.manifest or (wish.shards / "manifest.csv" if moved else Path(run.manifest))
    shards = str(wish.shards.absolute())
    return folder, replace(run, shards=shards, manifest=str(manifest.absolute()), steps=steps, workers=workers)


def _require_shapes(shard: Shard) -> None:
    """The generator is made for the paper's crops and log-mel."""
    for name, wanted in (("frames", (64, 64, 3)), ("mel", (4, 128))):
        got = shard.array(name).shape[1:]
        if got != wanted:
            raise LipdataError(
                f"{shard.path}: {name} of shape {got}; the generator takes {wanted}: ingest with pipeline grid"
            )


def _preset(wish: Wish) -> str:
    return wish.preset or ("paper" if torch.cuda.is_available() else "tiny")


def _precision() -> str:
    """bf16 where the device computes in it and not only stores it: there it is twice as fast."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else "32"


def _folder(wish: Wish) -> Path:
    return wish.out or Path("runs") / f"{wish.shards.absolute().name}-{_preset(wish)}"
