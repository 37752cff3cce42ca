"""Sync loss: the paper's correlation networks, trained to tell the right sound from others."""

from torch import Tensor

from lipmodel.losses.contrast import all_sounds, curves, info_nce, same_sound, unit_vectors
from lipmodel.losses.frozen import frozen_weights
from lipmodel.losses.generator_pass import GeneratorPass


def sync(generated: GeneratorPass) -> dict[str, Tensor]:
    """InfoNCE of real and of generated motion, half each, among the batch's sounds and those shifted in time.

    The correlation networks learn from real motion alone; through them, as they are, the generator learns from its
    own. What the generator makes would teach them to agree with it on any trace that the flow can carry.

    Beside it, to be logged: ``sync_real``, what real motion costs, and the curves of ``l_corr``.
    """
    networks, frozen, shifted = generated.correlation, generated.frozen_correlation, generated.shifted_sound
    own, real, fake = generated.sound, generated.real.change, generated.fake.change
    assert networks is not None and frozen is not None and real is not None and fake is not None
    assert own is not None and shifted is not None
    heard = all_sounds(own, shifted)  # B + B S, C, T, F
    heard = heard.diff(dim=2) if generated.derivative else heard
    with frozen_weights(frozen):
        of_fake = unit_vectors(frozen.motion(fake))
    sound, of_real = map(unit_vectors, networks(heard, real))
    same = same_sound(generated.batch["mel"], generated.batch["shifted_mel"])
    scale = frozen.scale()
    right = info_nce(of_real, sound, scale, same)
    ours = info_nce(of_fake, sound.detach(), scale.detach(), same)
    return {"sync": (right + ours) / 2, "sync_real": right.detach(), **curves(of_fake, of_real, sound)}
