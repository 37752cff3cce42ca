"""The columns of the paper's Table 2 and the rivals of its Table 3: each is weights and three switches."""

from dataclasses import dataclass

from lipdata.errors import LipdataError


@dataclass(frozen=True)
class Weights:
    """What each loss counts (paper, Eq. 2 and Eq. 4).

    What is cheap is logged with weight 0 too: pixel and first frame at every step. The perceptual loss takes a network
    of its own, and is measured on the validation windows of every variant instead. What an untrained discriminator or
    untrained correlation networks say means nothing; where they count 0, they do not exist.

    Attributes:
        corr: correlation of sound and motion, Eq. 1.
        pixel: mean absolute difference.
        perc: difference of the autoencoder's features, Eq. 3.
        gen: the discriminator's verdict.
        first: difference of the first frame, of Vondrick et al. alone.
        lambda_p, lambda_u: in the discriminator's own loss, of generated and of mismatched clips, Eq. 4.
    """

    corr: float = 1.0
    pixel: float = 0.5
    perc: float = 1.0
    gen: float = 1.0
    first: float = 0.0
    lambda_p: float = 0.5
    lambda_u: float = 0.5


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
    """What is trained, and on what."""

    weights: Weights = Weights()
    switches: Switches = Switches()


VARIANTS = {
    "a": Variant(Weights(gen=0)),
    "b": Variant(Weights(pixel=0)),
    "c": Variant(Weights(perc=0)),
    "d": Variant(Weights(corr=0)),
    "e": Variant(),
    "f": Variant(switches=Switches(correlated="direct")),
    "g": Variant(switches=Switches(motion="none")),
    "h": Variant(Weights(corr=0), Switches(motion="none")),
    "i": Variant(switches=Switches(motion="difference")),
    # The paper says "methods that use discriminator [30] or reconstruction loss [6]" (section 5.4).
    "vondrick": Variant(Weights(corr=0, pixel=0, perc=0, first=10), Switches(generator="vondrick", motion="none")),
    "chung": Variant(Weights(corr=0, pixel=1, perc=0, gen=0), Switches(generator="chung", motion="none")),
}
FULL = "e"
