"""What the user asked for -> the run folder and the ``Run`` in it: a new one, or one to be continued."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch

from lipdata.config import pipeline_from_json
from lipdata.errors import LipdataError
from lipdata.shards import STRIDE, WINDOW, open_shards
from lipmodel.config import PRESETS, Run, Steps, load_run
from lipmodel.data import require_shapes
from lipmodel.losses import DISCRIMINATOR_WEIGHTS, default_weights, require_installed
from lipmodel.training.device import fastest_speed
from lipmodel.variants import FULL, VARIANTS, Variant

STAGE_NAMES = tuple(stage.name for stage in fields(Steps))
LAST = "last"


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """The options of ``lipmodel fit``; None where the user gave none.

    Attributes:
        steps: by the names in ``config.Steps``, and ``last`` for the last stage of the variant.
        weights, speed: by the names of the losses, and in ``config.Speed``.
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


def new_run(options: FitOptions) -> tuple[Path, Run]:
    """Choose what the user left open.

    Without a preset: ``paper`` on a GPU, ``tiny`` on a CPU, where a step at full width takes minutes.

    Raises:
        LipdataError: the folder is in use, there are no shards, or nothing would be learnt.
    """
    require_known("no stage", options.steps, (*STAGE_NAMES, LAST))
    folder, name = _folder(options), chosen_preset(options)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LipdataError(f"{folder} is not empty; continue it with --resume, or choose another folder with -o")
    require_known("no preset", [name], PRESETS)
    require_known("no variant", [options.variant or FULL], VARIANTS)
    preset, variant = PRESETS[name], VARIANTS[options.variant or FULL]
    shards = open_shards(options.shards)
    attributes = shards[0].attributes
    for shard in shards:
        require_shapes(shard)
    run = Run(
        shards=str(options.shards.resolve()),
        manifest=str((options.manifest or options.shards / "manifest.csv").resolve()),
        split="train" if options.split is None else options.split,
        preset=name,
        variant=options.variant or FULL,
        seed=options.seed or 0,
        batch=options.batch or variant.batch or preset.batch,
        devices=options.devices or 1,
        workers=2 if options.workers is None else options.workers,
        log_every=preset.log_every,
        checkpoint_every=preset.checkpoint_every,
        window_frames=variant.window_frames or WINDOW,
        window_stride=variant.window_stride or STRIDE,
        flownet_weights=str(options.flownet_weights.resolve()) if options.flownet_weights else None,
        steps=replace(preset.steps, **_named_steps(options, variant)),
        speed=replace(fastest_speed(), **_given(options.speed)),
        network=preset.network,
        adam=preset.adam,
        weights=default_weights(variant) | _given(options.weights),
        switches=variant.switches,
        pipeline=pipeline_from_json(attributes["pipeline"]),
        pipeline_digest=attributes["pipeline_digest"],
    )
    _require_sense(run)
    _require_of_variant(options, variant)
    return folder, run


def resumed_run(options: FitOptions) -> tuple[Path, Run]:
    """Read the run to continue. ``steps`` and ``workers`` may be new, all else stays as it was.

    Raises:
        LipdataError: no run there, an option that contradicts it, or shards of another pipeline.
    """
    require_known("no stage", options.steps, (*STAGE_NAMES, LAST))
    folder = _folder(options)
    run = load_run(folder)
    require_known("no variant", [run.variant], VARIANTS)
    plain = {name: getattr(options, name) for name in ("preset", "variant", "batch", "devices", "split", "seed")}
    if options.flownet_weights:
        plain["flownet_weights"] = str(options.flownet_weights.resolve())
    began = {**asdict(run), **run.weights, **asdict(run.speed)}
    for name, asked in _given({**plain, **options.weights, **options.speed}).items():
        # A loss that was not installed then counted nothing.
        if asked != began.get(name, 0.0):
            raise LipdataError(
                f"{name} {asked} is asked for, but {folder} began with {began.get(name, 0.0)}; leave it out"
            )
    digest = open_shards(options.shards)[0].attributes["pipeline_digest"]
    if digest != run.pipeline_digest:
        raise LipdataError(f"{options.shards} are of another pipeline than {folder}; resume with {run.shards}")
    steps = replace(run.steps, **_named_steps(options, VARIANTS[run.variant]))
    workers = run.workers if options.workers is None else options.workers
    # A shard folder may have moved, and its manifest with it.
    moved = run.manifest == str(Path(run.shards) / "manifest.csv")
    manifest = options.manifest or (options.shards / "manifest.csv" if moved else Path(run.manifest))
    shards = str(options.shards.resolve())
    run = replace(run, shards=shards, manifest=str(manifest.resolve()), steps=steps, workers=workers)
    _require_sense(run)
    return folder, run


def require_known(what: str, names: Iterable[str], known: Collection[str]) -> None:
    """Refuse a name that is not among those known; ``what`` is as ``no stage``.

    Raises:
        LipdataError: as said; names those known.
    """
    for name in names:
        if name not in known:
            raise LipdataError(f"{what} {name!r}; allowed: {', '.join(known)}")


def _require_of_variant(options: FitOptions, variant: Variant) -> None:
    """Refuse steps and weights that a variant would not look at."""
    for name in _named_steps(options, variant):
        require_known(f"variant {options.variant or FULL} has no stage", [name], variant.stages)
    if "gan" not in variant.stages:
        require_known(f"variant {options.variant} has no loss", _given(options.weights), ("its own alone",))


def _named_steps(options: FitOptions, variant: Variant) -> dict[str, int]:
    """The steps that were asked for, by the names of stages."""
    return {variant.stages[-1] if name == LAST else name: steps for name, steps in _given(options.steps).items()}


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _require_sense(run: Run) -> None:
    """What each option allows by itself, and not together with the others."""
    weights = run.weights
    require_installed(weights)
    for name in ("corr", "sync"):
        if weights.get(name) and run.switches.generator != "fusion":
            raise LipdataError(
                f"--l-{name} {weights[name]:g} with variant {run.variant}, whose generator has no sound features to "
                "correlate; allowed: 0"
            )
    if weights.get("expert") and run.switches.correlated != "derivative":
        raise LipdataError(
            f"--l-expert {weights['expert']:g} with variant {run.variant}, which gives it no flow; allowed: 0"
        )
    beside = ("corr", "sync", "expert", *DISCRIMINATOR_WEIGHTS)
    if not any(weight for name, weight in weights.items() if name not in beside):
        raise LipdataError("no loss is left for the generator's video; give one of --l-pix, --l-perc, --l-gen a weight")
    gpus = torch.cuda.device_count()
    if gpus and run.devices > gpus:
        raise LipdataError(f"--devices {run.devices}, but this machine has {gpus} GPUs; allowed: 1 to {gpus}")


def chosen_preset(options: FitOptions) -> str:
    return options.preset or ("paper" if torch.cuda.is_available() else "tiny")


def _folder(options: FitOptions) -> Path:
    variant = f"-{options.variant}" if options.variant and options.variant != FULL else ""
    return options.out or Path("runs") / f"{options.shards.absolute().name}-{chosen_preset(options)}{variant}"
