"""Expert loss: a sync network that has learnt before, and learns no more, hears whether a mouth fits its sound.

In the manner of Wav2Lip (Prajwal et al. 2020), on flow in place of pixels.
"""

from torch import Tensor

from lipmodel.losses.contrast import all_sounds, curves, info_nce, same_sound, unit_vectors
from lipmodel.losses.generator_pass import GeneratorPass

MEL_COLUMNS = 4  # a frame


def expert(generated: GeneratorPass) -> dict[str, Tensor]:
    """InfoNCE of generated motion among the batch's sounds and those shifted in time, by the expert.

    Beside it, to be logged: ``expert_real``, what real motion costs, and the curves of ``l_corr``.
    """
    judge, batch = generated.expert, generated.batch
    real, fake = generated.real.change, generated.fake.change
    assert judge is not None and real is not None and fake is not None
    mel = all_sounds(batch["mel"], batch["shifted_mel"])  # B + B S, 4 T, 128
    sound = unit_vectors(judge.sound(mel.reshape(len(mel), -1, MEL_COLUMNS, mel.shape[-1])))
    of_real, of_fake = unit_vectors(judge.motion(real)), unit_vectors(judge.motion(fake))
    same = same_sound(batch["mel"], batch["shifted_mel"])
    return {
        "expert": info_nce(of_fake, sound, judge.scale, same),
        "expert_real": info_nce(of_real, sound, judge.scale, same).detach(),
        **curves(of_fake, of_real, sound),
    }
