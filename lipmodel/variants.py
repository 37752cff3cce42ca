"""The columns of the paper's Table 2 and the baselines of its Table 3: each is weights and three switches."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lipdata.errors import LipdataError

ALLOWED = {
    "generator": ("fusion", "vondrick", "chung"),
    "correlated": ("derivative", "direct"),
    "motion": ("flow", "difference", "none"),
}


@dataclass(frozen=True)
class Switches:
    """What stands where.

    Attributes:
        generator: ``fusion`` (paper, section 3.1), ``vondrick`` or ``chung``.
        correlated: ``derivative`` correlates the change of the sound with optical flow, ``direct`` sound with video.
        motion: the discriminator's third stream: optical ``flow``, frame ``difference``, or ``none``.
    """

    generator: str = "fusion"
    correlated: str = "derivative"
    motion: str = "flow"

    def __post_init__(self) -> None:
        for name, allowed in ALLOWED.items():
            if getattr(self, name) not in allowed:
                raise LipdataError(f"{name} is {getattr(self, name)!r}; allowed: {', '.join(allowed)}")


@dataclass(frozen=True)
class Variant:
    """What is trained, and on what.

    Attributes:
        weights: of losses, by name, where they are not the losses' own (see :mod:`lipmodel.losses`).
        stages: what is learnt, one after the other.
        batch: windows a step; None for the preset's.
        window_frames, window_stride: frames; None for the paper's.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    switches: Switches = Switches()
    stages: tuple[str, ...] = ("flow", "autoencoder", "gan")
    batch: int | None = None
    window_frames: int | None = None
    window_stride: int | None = None


VARIANTS = {
    "a": Variant({"gen": 0}),
    "b": Variant({"pixel": 0}),
    "c": Variant({"perc": 0}),
    "d": Variant({"corr": 0}),
    "e": Variant(),
    "f": Variant(switches=Switches(correlated="direct")),
    "g": Variant(switches=Switches(motion="none")),
    "h": Variant({"corr": 0}, Switches(motion="none")),
    "i": Variant(switches=Switches(motion="difference")),
    # Not the paper's: e with a loss in place of l_corr that contrasts sounds; in k, of a network that ships.
    "j": Variant({"corr": 0, "sync": 1}),
    # With weight 1 the expert outweighs the picture: SSIM .419 in place of .628 (docs/benchmarks/correlation.md).
    "k": Variant({"corr": 0, "expert": 0.1}),
    # The paper says "methods that use discriminator [30] or reconstruction loss [6]" (section 5.4).
    "vondrick": Variant({"corr": 0, "pixel": 0, "perc": 0, "first": 10}, Switches(generator="vondrick", motion="none")),
    "chung": Variant({"corr": 0, "pixel": 1, "perc": 0, "gen": 0}, Switches(generator="chung", motion="none")),
    # No generator: whether sound fits picture (docs/sync.md).
    "sync": Variant(stages=("sync",), batch=16, window_frames=72, window_stride=1),
}
FULL = "e"
