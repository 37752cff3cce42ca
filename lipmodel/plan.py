"""What the user asked for -> the run folder and the ``Run`` in it: a new one, or one to be continued."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch

from lipdata import pipeline
from lipdata.errors import LipdataError
from lipdata.shards import STRIDE, WINDOW, open_folder
from lipmodel import config
from lipmodel.config import PRESETS, Run
from lipmodel.data import require_shapes
from lipmodel.machine import fastest
from lipmodel.variants import FULL, VARIANTS, Weights


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The options of ``lipmodel fit``; None where the user gave none.

    Attributes:
        steps, weights, speed: by the names in ``config.Steps``, ``variants.Weights`` and ``config.Speed``.
    """

    shards: Path
    out: Path | None = None
    preset: str | None = None
    variant: str | None = None
    batch: int | None = None
    devices: int | None = None
    manifest: Path | None = None
    split: str | None = None
    seed: int | None = None
    workers: int | None = None
    flownet_weights: Path | None = None
    steps: Mapping[str, int | None] = field(default_factory=dict)
    weights: Mapping[str, float | None] = field(default_factory=dict)
    speed: Mapping[str, Any] = field(default_factory=dict)


def new_run(wish: Wish) -> tuple[Path, Run]:
    """Choose what the user left open.

    Without a preset: ``paper`` on a GPU, ``tiny`` on a CPU, where a step at full width takes minutes.

    Raises:
        LipdataError: the folder is in use, there are no shards, or nothing would be learnt.
    """
    folder, name = _folder(wish), chosen_preset(wish)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LipdataError(f"{folder} is not empty; continue it with --resume, or choose another folder with -o")
    preset, variant = PRESETS[name], VARIANTS[wish.variant or FULL]
    shards = open_folder(wish.shards)
    attributes = shards[0].attributes
    for shard in shards:
        require_shapes(shard)
    run = Run(
        shards=str(wish.shards.resolve()),
        manifest=str((wish.manifest or wish.shards / "manifest.csv").resolve()),
        split="train" if wish.split is None else wish.split,
        preset=name,
        variant=wish.variant or FULL,
        seed=wish.seed or 0,
        batch=wish.batch or preset.batch,
        devices=wish.devices or 1,
        workers=2 if wish.workers is None else wish.workers,
        log_every=preset.log_every,
        checkpoint_every=preset.checkpoint_every,
        window_frames=WINDOW,
        window_stride=STRIDE,
        flownet_weights=str(wish.flownet_weights.resolve()) if wish.flownet_weights else None,
        steps=replace(preset.steps, **_given(wish.steps)),
        speed=replace(fastest(), **_given(wish.speed)),
        network=preset.network,
        adam=preset.adam,
        weights=replace(variant.weights, **_given(wish.weights)),
        switches=variant.switches,
        pipeline=pipeline.from_json(attributes["pipeline"]),
        pipeline_digest=attributes["pipeline_digest"],
    )
    _require_sense(run)
    return folder, run


def continued_run(wish: Wish) -> tuple[Path, Run]:
    """Read the run to continue. ``steps`` and ``workers`` may be new, all else stays as it was.

    Raises:
        LipdataError: no run there, an option that contradicts it, or shards of another pipeline.
    """
    folder = _folder(wish)
    run = config.load(folder)
    plain = {name: getattr(wish, name) for name in ("preset", "variant", "batch", "devices", "split", "seed")}
    if wish.flownet_weights:
        plain["flownet_weights"] = str(wish.flownet_weights.resolve())
    began = {**asdict(run), **asdict(run.weights), **asdict(run.speed)}
    for name, asked in _given({**plain, **wish.weights, **wish.speed}).items():
        if asked != began[name]:
            raise LipdataError(f"{name} {asked} is asked for, but {folder} began with {began[name]}; leave it out")
    digest = open_folder(wish.shards)[0].attributes["pipeline_digest"]
    if digest != run.pipeline_digest:
        raise LipdataError(f"{wish.shards} are of another pipeline than {folder}; resume with {run.shards}")
    steps = replace(run.steps, **_given(wish.steps))
    workers = run.workers if wish.workers is None else wish.workers
    # A shard folder may have moved, and its manifest with it.
    moved = run.manifest == str(Path(run.shards) / "manifest.csv")
    manifest = wish.manifest or (wish.shards / "manifest.csv" if moved else Path(run.manifest))
    shards = str(wish.shards.resolve())
    run = replace(run, shards=shards, manifest=str(manifest.resolve()), steps=steps, workers=workers)
    _require_sense(run)
    return folder, run


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _require_sense(run: Run) -> None:
    """What each option allows by itself, and not together with the others."""
    weights: Weights = run.weights
    for name, weight in asdict(weights).items():
        if not (isfinite(weight) and weight >= 0):
            raise LipdataError(f"the weight {name} is {weight}; allowed: 0 or a finite number above")
    if weights.corr and run.switches.generator != "fusion":
        what = (
            f"--l-corr {weights.corr:g} with variant {run.variant}, whose generator has no sound features to correlate"
        )
        raise LipdataError(f"{what}; allowed: 0")
    if not (weights.pixel or weights.perc or weights.gen or weights.first):
        raise LipdataError("no loss is left for the generator's video; give one of --l-pix, --l-perc, --l-gen a weight")
    gpus = torch.cuda.device_count()
    if gpus and run.devices > gpus:
        raise LipdataError(f"--devices {run.devices}, but this machine has {gpus} GPUs; allowed: 1 to {gpus}")


def chosen_preset(wish: Wish) -> str:
    return wish.preset or ("paper" if torch.cuda.is_available() else "tiny")


def _folder(wish: Wish) -> Path:
    variant = f"-{wish.variant}" if wish.variant and wish.variant != FULL else ""
    return wish.out or Path("runs") / f"{wish.shards.absolute().name}-{chosen_preset(wish)}{variant}"
