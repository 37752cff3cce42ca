"""Is what was made of a damaged or odd file right? Each check compares it with what was made of the undamaged clip."""

from collections.abc import Callable

import librosa
import numpy as np

from lipdata.shards import Clip
from lipdata.shards.schema import PER_CLIP, per_frame

# What is wrong with the first, where it should be the second; empty where nothing is.
Check = Callable[[Clip, Clip], str]
# Maps the (x, y) of the undamaged clip's picture to those of the odd one [shape=(..., 2)].
Place = Callable[[np.ndarray], np.ndarray]
AUDIBLE_DB = -60


def every(*checks: Check) -> Check:
    """All of them."""
    return lambda made, real: "; ".join(filter(None, (check(made, real) for check in checks)))


def equal(made: Clip, real: Clip) -> str:
    """Every array to the bit."""
    arrays = (*per_frame(real.features), *PER_CLIP)
    names = [name for name in arrays if not _same(made.array(name), real.array(name))]
    return f"differs in {', '.join(names)}" if names else ""


def as_long(within: int = 0) -> Check:
    """As many frames, give or take ``within``."""

    def check(made: Clip, real: Clip) -> str:
        wrong = abs(len(made.frames) - len(real.frames)) > within
        return f"{len(made.frames)} frames for {len(real.frames)}" if wrong else ""

    return check


def as_many(n_frames: int) -> Check:
    return lambda made, _: "" if len(made.frames) == n_frames else f"{len(made.frames)} frames for {n_frames}"


def mouths_at(px: float, place: Place = lambda point: point, share: float = 0.9) -> Check:
    """In ``share`` of the frames the mouth lies within ``px`` source pixels of the real one, its points averaged."""

    def check(made: Clip, real: Clip) -> str:
        n_frames = min(len(made.frames), len(real.frames))
        off = np.linalg.norm(mouths(made)[:n_frames] - place(mouths(real)[:n_frames]), axis=-1).mean(1)
        far = float(np.quantile(off, share))
        return f"mouth {far:.2f} px off" if far > px else ""

    return check


def crops_like(levels: float) -> Check:
    """The crops differ by ``levels`` of 255 at most, in the median frame."""

    def check(made: Clip, real: Clip) -> str:
        n_frames = min(len(made.frames), len(real.frames))
        pair = (clip.frames[:n_frames].astype(float) for clip in (made, real))
        off = float(np.median(np.abs(np.subtract(*pair)).mean((1, 2, 3))))
        return f"crops {off:.1f} levels off" if off > levels else ""

    return check


def grey_like(levels: float) -> Check:
    """The crops are grey, and as bright as the real ones: ``levels`` of 255 apart at most, in the median frame."""

    def check(made: Clip, real: Clip) -> str:
        weights = np.array([0.299, 0.587, 0.114])
        off = float(np.median(np.abs(made.frames @ weights - real.frames @ weights).mean((1, 2))))
        colour = int(np.ptp(made.frames.astype(int), axis=-1).max())
        return f"greys {off:.1f} levels off, {colour} coloured" if off > levels or colour > 3 else ""

    return check


def pictures_on_time(late: int = 0) -> Check:
    """The crops resemble those of the same time most; those up to ``late`` frames before, where pictures are held."""

    def check(made: Clip, real: Clip) -> str:
        lag = picture_lag(made, real)
        return "" if 0 <= lag <= late else f"picture {lag} frames late"

    return check


def sound_like(db: float, up_to_hz: float = 16000, level: bool = True) -> Check:
    """The audible mel below ``up_to_hz`` is off by ``db`` at most in the median, and not a column early or late.

    Without ``level`` the whole may be louder or softer.
    """

    def check(made: Clip, real: Clip) -> str:
        lag = sound_lag(made, real)
        if lag:
            return f"sound {lag} columns late"
        n_frames = min(len(made.frames), len(real.frames))
        bands = np.arange(128) < _band(0.9 * up_to_hz)
        loud = (real.mel[:n_frames] > AUDIBLE_DB) & bands
        off = (made.mel[:n_frames] - real.mel[:n_frames])[loud]
        off = np.abs(off if level else off - np.median(off))
        return f"mel {np.median(off):.1f} dB off" if np.median(off) > db else ""

    return check


def scaled(by_x: float, by_y: float, left: float = 0, top: float = 0) -> Place:
    """Enlarged, and then set into a larger picture."""
    return lambda point: (point + 0.5) * (by_x, by_y) - 0.5 + (left, top)


def shifted(by_x: float, by_y: float) -> Place:
    return lambda point: point + (by_x, by_y)


def steady(made: Clip, _: Clip) -> str:
    """One person's mouth throughout: no jump from one face to another."""
    step = np.linalg.norm(np.diff(mouths(made).mean(1), axis=0), axis=1).max()
    return f"the mouth jumps {step:.0f} px" if step > 20 else ""


def alike(px: float, levels: float, place: Place = lambda point: point) -> Check:
    """The same clip in pictures of another kind: every frame, mouths where ``place`` puts them, on time, with sound."""
    seen = every(as_long(), mouths_at(px, place), crops_like(levels))
    return every(seen, pictures_on_time(), sound_like(2))


def begins_like(made: Clip, real: Clip) -> str:
    """What a file cut short still holds is right: mouths to the pixel but for the last frame, mel or silence."""
    n_frames = len(made.frames) - 1
    if n_frames >= len(real.frames):
        return f"{n_frames + 1} frames of {len(real.frames)}"
    off = np.linalg.norm(mouths(made)[:n_frames] - mouths(real)[:n_frames], axis=-1).mean(1)
    other = np.abs(made.mel[:n_frames] - real.mel[:n_frames]).max((1, 2)) > 1
    silent = made.mel[:n_frames].max((1, 2)) <= -99
    # A sound that breaks off: one frame holds the break.
    wrong = [f"mouth {off.max():.2f} px off"] * bool(off.max() > 0.1) + ["sound wrong"] * bool(
        (other & ~silent).sum() > 2
    )
    return "; ".join(wrong)


def sane(px: float) -> Check:
    """After damage anywhere: most mouths within ``px`` of the real ones at the same times, and all numbers finite."""

    def check(made: Clip, real: Clip) -> str:
        finite = all(np.isfinite(getattr(made, name)).all() for name in ("mel", "flow", "landmarks", "box"))
        return mouths_at(px, share=0.5)(made, real) or ("" if finite else "numbers that are not finite")

    return check


def mouths(clip: Clip) -> np.ndarray:
    """Mouth landmarks in source pixels [shape=(T, 20, 2)]."""
    scale = (clip.box[:, 2:] - clip.box[:, :2]) / clip.frames.shape[1]  # T, 2
    return (clip.landmarks + 0.5) * scale[:, None] + clip.box[:, None, :2] - 0.5


def picture_lag(made: Clip, real: Clip, reach: int = 3) -> int:
    """By how many frames ``made`` shows the mouth of ``real`` later: the shift at which the crops differ least."""
    one, other = (clip.frames.astype(np.float32).mean(-1) for clip in (made, real))
    return _lag(one, other, reach, np.ones(len(one), bool))


def sound_lag(made: Clip, real: Clip, reach: int = 12) -> int:
    """By how many columns of the mel, 10 ms each, ``made`` is heard later."""
    one, other = (clip.mel.reshape(-1, 128)[:, :64] for clip in (made, real))
    heard = one.max(1) > -99  # what is late begins with silence
    one, other = (np.maximum(mel, AUDIBLE_DB) for mel in (one, other))
    # The level of the whole says nothing of its time.
    return _lag(one - one[heard].mean(), other - other.mean(), reach, heard)


def _lag(made: np.ndarray, real: np.ndarray, reach: int, there: np.ndarray) -> int:
    inner = np.arange(reach, min(len(made), len(real)) - reach)
    inner = inner[there[inner]]
    off = {lag: float(np.abs(made[inner] - real[inner - lag]).mean()) for lag in range(-reach, reach + 1)}
    return min(off, key=lambda lag: (off[lag], abs(lag)))


def _band(hz: float) -> int:
    return int(np.searchsorted(librosa.mel_frequencies(n_mels=128, fmin=0, fmax=16000), hz))


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
