"""Everything that a run needs, as frozen records: presets are data, and a run's own copy is its ``config.json``."""

import json
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from lipdata.atomic_files import write_atomic
from lipdata.config import Pipeline, pipeline_from_json
from lipdata.errors import LipdataError
from lipmodel.variants import Switches

RUN_FILE = "config.json"
# The weights that every run has: of the losses of Eq. 2, of the first frame's loss, and of Eq. 4.
WEIGHTED = ("corr", "pixel", "perc", "gen", "first", "lambda_p", "lambda_u")


@dataclass(frozen=True)
class Network:
    """How large the networks are.

    Attributes:
        width: share of the paper's channels in every layer.
        fewest_channels: what no layer goes below.
        residual_blocks: of the generator, between fusion and decoder.
        doubling_kernel, last_kernel: of the generator's decoder; frames, height, width.
    """

    width: float
    fewest_channels: int
    residual_blocks: int
    doubling_kernel: tuple[int, int, int]
    last_kernel: tuple[int, int, int]


@dataclass(frozen=True)
class Adam:
    """The optimizer's numbers (paper, section 5.1)."""

    learning_rate: float = 2e-4
    weight_decay: float = 4e-4
    beta_1: float = 0.5
    beta_2: float = 0.999


@dataclass(frozen=True)
class Steps:
    """How many steps each stage takes, those before a resume included."""

    flow: int
    autoencoder: int
    gan: int
    sync: int = 1500


@dataclass(frozen=True)
class Speed:
    """How the same numbers are computed, but for rounding.

    Attributes:
        precision: ``32``, or ``bf16`` for convolutions in bfloat16; weights, losses and Adam stay float32.
        channels_last: colours innermost in memory, as the shards have them.
        fused_adam: one kernel for all of Adam's arithmetic.
        compiled: networks through ``torch.compile``.
    """

    precision: str
    channels_last: bool
    fused_adam: bool
    compiled: bool


@dataclass(frozen=True)
class Preset:
    """What a preset's name stands for.

    Attributes:
        batch: windows a step.
        log_every, checkpoint_every: steps.
    """

    network: Network
    adam: Adam
    batch: int
    steps: Steps
    log_every: int
    checkpoint_every: int


LONG = Steps(flow=20_000, autoencoder=20_000, gan=100_000)
PRESETS = {
    "paper": Preset(
        Network(1.0, 1, 9, (3, 4, 4), (7, 7, 7)), Adam(), batch=16, steps=LONG, log_every=50, checkpoint_every=2000
    ),
    "small": Preset(
        Network(0.5, 1, 9, (3, 4, 4), (7, 7, 7)), Adam(), batch=16, steps=LONG, log_every=50, checkpoint_every=2000
    ),
    # For two CPU cores and a few clips: by the pixel loss alone, a mouth that moves with the words within three
    # minutes, by all losses within ten. At 64 x 64 pixels every weight costs most, so the decoder does not look along
    # time; the residual blocks have done that. No weight decay: Adam would scale it up with the sound's small
    # gradients, and at this learning rate it holds the loss at 0.105.
    "tiny": Preset(
        Network(0.125, 16, 2, (1, 4, 4), (1, 3, 3)),
        Adam(learning_rate=1e-3, weight_decay=0.0),
        batch=4,
        steps=Steps(flow=300, autoencoder=300, gan=1600),
        log_every=50,
        checkpoint_every=300,
    ),
}


@dataclass(frozen=True)
class Run:
    """One run: what it learns from, and how.

    Attributes:
        shards, manifest: absolute paths.
        split: the manifest's split to learn from.
        seed: of the first weights, the order of the windows, the identity frames and the mismatched windows.
        batch: windows a step on each device.
        devices: GPUs, or processes on a CPU.
        workers: threads that read; they change no result.
        window_frames, window_stride: frames (paper, section 5.1).
        flownet_weights: file that the flow stage starts from, absolute; None for random weights.
        weights: of the losses, by name (paper, Eq. 2), and ``lambda_p`` and ``lambda_u`` (Eq. 4).
        pipeline_digest: of the shards; a resumed run takes no others.
    """

    shards: str
    manifest: str
    split: str
    preset: str
    variant: str
    seed: int
    batch: int
    devices: int
    workers: int
    log_every: int
    checkpoint_every: int
    window_frames: int
    window_stride: int
    flownet_weights: str | None
    steps: Steps
    speed: Speed
    network: Network
    adam: Adam
    weights: dict[str, float]
    switches: Switches
    pipeline: Pipeline
    pipeline_digest: str

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            kind = dict if field.name == "weights" else field.type
            if not isinstance(value, kind) or "\0" in str(value):  # type: ignore[arg-type]
                raise LipdataError(f"{field.name} is {value!r}; allowed: {getattr(field.type, '__name__', field.type)}")
        missing = [name for name in WEIGHTED if name not in self.weights]
        if missing:
            raise LipdataError(f"the weight {missing[0]} is missing; allowed: 0 or a finite number above")
        for name, weight in self.weights.items():
            if (
                isinstance(weight, bool)
                or not isinstance(weight, int | float)
                or not (isfinite(weight) and weight >= 0)
            ):
                raise LipdataError(f"the weight {name} is {weight!r}; allowed: 0 or a finite number above")
        if not 1 <= self.window_stride <= self.window_frames:
            raise LipdataError(f"window_stride is {self.window_stride}; allowed: 1 to {self.window_frames}")


RECORDS = {
    "steps": Steps,
    "speed": Speed,
    "network": Network,
    "adam": Adam,
    "switches": Switches,
}


def save_run(folder: Path, run: Run) -> None:
    """Write ``folder/config.json``."""
    write_atomic(folder / RUN_FILE, (json.dumps(asdict(run), indent=2) + "\n").encode())


def load_run(folder: Path) -> Run:
    """Read ``folder/config.json``.

    Raises:
        LipdataError: no run folder, or a file that this version did not write.
    """
    path = folder / RUN_FILE
    try:
        table = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise LipdataError(f"{folder} is no run folder: it has no {RUN_FILE}; make one with lipmodel fit") from error
    except (OSError, ValueError) as error:
        raise LipdataError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    keys = _require_keys(table, path)
    try:
        made = {name: _made(record, keys[name]) for name, record in RECORDS.items()}
        return Run(**keys | made | {"pipeline": pipeline_from_json(json.dumps(keys["pipeline"]))})
    except (TypeError, AttributeError, LipdataError) as error:
        raise LipdataError(f"{path} is of another version of lipmodel: {error}") from error


def _made(record: type, table: dict[str, Any]) -> Any:
    """A record from its JSON, which has no tuples."""
    return record(**{name: tuple(value) if isinstance(value, list) else value for name, value in table.items()})


def _require_keys(table: Any, path: Path) -> dict[str, Any]:
    names = {field.name for field in fields(Run)}
    odd = names ^ table.keys() if isinstance(table, dict) else names
    if odd:
        raise LipdataError(f"{path} is of another version of lipmodel: key {min(odd)!r} is missing or unknown")
    keys: dict[str, Any] = table
    return keys
