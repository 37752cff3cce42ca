"""A small synthetic corpus in GRID's layout: a portrait says GRID sentences.

Synthetic throughout: eSpeak NG speaks, the portrait's mouth follows its phonemes, ffmpeg encodes. It is for
trying and testing lipdata, and says nothing about how a method does on people.
Three speakers: t1, t2, and t3, whom the split of pipeline grid holds out for testing.
"""

import math
import tempfile
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import cv2
import ffmpeg
import numpy as np

from lipdata.errors import LipdataError
from lipdata.media import ffmpeg_binary
from lipdata.samples.espeak import Speech, Voice, say
from lipdata.samples.mouth import Face, draw_mouth, measure_face
from lipdata.samples.portrait import FRAME_HEIGHT, FRAME_WIDTH, Image, Look, Sway, portrait, show
from lipdata.samples.viseme import mouth_track

FPS = 25
N_FRAMES = 75
CLIP_S = N_FRAMES / FPS
TICKS_PER_S = 25000  # of GRID's align files
MAX_CLIPS = 768  # 256 for each speaker, while the four words of four choices run through all

_WORDS = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)
_DIGITS = dict(zip(_WORDS[4], "z123456789", strict=True))

_README = """\
A synthetic sample corpus in GRID's layout, written by lipdata demo: {n_clips} clips of three speakers, faces/ of each.
Voices: eSpeak NG. Faces: one public-domain NASA portrait (scikit-image's astronaut), warped to its phonemes.
It is a toy for trying and testing lipdata, and no measure of how anything does on real speech.
"""


@dataclass(frozen=True)
class Speaker:
    """Somebody of the sample corpus: the folder's name, a voice and a face."""

    name: str
    voice: Voice
    look: Look


SPEAKERS = (
    Speaker(
        "t1",
        Voice("en+f2", 170, 45),
        Look(
            zoom=1.35,
            centre_px=(178, 150),
            face_width=1.0,
            jaw_width=1.0,
            mouth_size=1.0,
            face_length=1.0,
            skin_gamma=1.0,
            skin_gain=(1.0, 1.0, 1.0),
            light=(1.0, 1.0, 1.0),
        ),
    ),
    Speaker(
        "t2",
        Voice("en+f3", 180, 35),
        Look(
            zoom=1.32,
            centre_px=(188, 156),
            face_width=1.08,
            jaw_width=1.08,
            mouth_size=1.06,
            face_length=0.97,
            skin_gamma=1.7,
            skin_gain=(0.95, 0.86, 0.78),
            light=(0.97, 1.0, 1.02),
        ),
    ),
    Speaker(
        "t3",
        Voice("en+f4", 165, 60),
        Look(
            zoom=1.42,
            centre_px=(170, 148),
            face_width=0.93,
            jaw_width=0.93,
            mouth_size=0.95,
            face_length=1.05,
            skin_gamma=0.9,
            skin_gain=(1.02, 0.93, 0.9),
            light=(1.0, 0.98, 0.93),
        ),
    ),
)


def sentence(index: int) -> tuple[str, ...]:
    """The six words of the corpus's clip ``index``; the first ``MAX_CLIPS`` are all different.

    The third speaker, held out for tests, takes letter and digit from the other two in turns, so that the
    words in the test clips are known from training.
    """
    turn, who = divmod(index, len(SPEAKERS))
    letter = 2 * turn + (who if who < 2 else turn % 2)
    digit = 2 * turn + (who if who < 2 else (turn + 1) % 2)
    places = (
        turn + who,
        turn + 2 * who + turn // 4,
        3 * turn + who + turn // 16,
        7 * letter,
        3 * digit,
        turn + who + 1 + turn // 64,
    )
    return tuple(words[place % len(words)] for words, place in zip(_WORDS, places, strict=True))


def clip_name(words: tuple[str, ...]) -> str:
    """GRID's name of a sentence: ``bbaf2n`` is "bin blue at f two now"."""
    return "".join(_DIGITS.get(word, word[0]) for word in words)


def spoken_text(words: tuple[str, ...]) -> str:
    """The sentence for eSpeak, which would take a lone letter a for the article."""
    return " ".join("[['eI]]" if word == "a" else word for word in words)


def write_synthetic_corpus(
    out: Path, n_clips: int = 12, progress: Callable[[int, int], None] | None = None
) -> list[Path]:
    """Write a corpus in GRID's layout: ``t1/bbaf2n.mpg``, ``t1/align/bbaf2n.align``, and a ``README.txt``;
    beside them ``faces/t1.png``, a photo of each speaker.

    The clips are MPEG-1, 360x288, 25 fps, 75 frames, with MP2 sound, 44.1 kHz stereo. The same versions of
    the packages write the same bytes.

    Args:
        out: a folder that is empty or not there yet.
        n_clips: 1 to ``MAX_CLIPS``, dealt to the three speakers in turn.
        progress: called after each clip with how many are written and how many there will be.

    Returns:
        The paths of the clips, in the order they were written.

    Raises:
        LipdataError: ``out`` is not empty, ``n_clips`` is out of range, a package is missing, or ffmpeg
            failed.
    """
    _refuse(out, n_clips)
    faces = [measure_face(portrait(speaker.look)) for speaker in SPEAKERS[:n_clips]]
    clips: list[Path] = []
    for index in range(n_clips):
        who = index % len(SPEAKERS)
        clips.append(_write_clip(out, index, SPEAKERS[who], faces[who]))
        if progress:
            progress(index + 1, n_clips)
    for speaker, face in zip(SPEAKERS, faces, strict=False):
        _write_photo(out / "faces" / f"{speaker.name}.png", speaker.look, face)
    (out / "README.txt").write_text(_README.format(n_clips=n_clips), encoding="utf-8")
    return clips


def _refuse(out: Path, n_clips: int) -> None:
    if not 1 <= n_clips <= MAX_CLIPS:
        raise LipdataError(f"a sample corpus of {n_clips} clips is not possible: ask for 1 to {MAX_CLIPS}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LipdataError(
            f"{out} is not empty: the sample corpus wants a folder that is new or empty, "
            "and overwrites nothing; name another folder"
        )


def _write_clip(out: Path, index: int, speaker: Speaker, face: Face) -> Path:
    words, chance = sentence(index), Random(index)
    speech = say(spoken_text(words), speaker.voice)
    lead_s = chance.uniform(0.38, 0.55) * (CLIP_S - speech.end_s)
    clip = out / speaker.name / f"{clip_name(words)}.mpg"
    align = clip.parent / "align" / f"{clip.stem}.align"
    align.parent.mkdir(parents=True, exist_ok=True)
    _encode(
        clip,
        b"".join(frame.tobytes() for frame in _frames(speaker.look, face, speech, lead_s, chance)),
        _sound(speech, lead_s),
        speech.rate_hz,
    )
    align.write_text(_align(words, speech, lead_s), encoding="ascii")
    return clip


def _write_photo(path: Path, look: Look, face: Face) -> None:
    """The speaker with closed lips, for ``lipmodel generate --image``."""
    path.parent.mkdir(exist_ok=True)
    photo = show(draw_mouth(face, 0.0, 0.0), look, Sway(right_px=0.0, down_px=0.0, turn_deg=0.0, size=1.0))
    cv2.imwrite(str(path), photo[:, :, ::-1])


def _align(words: tuple[str, ...], speech: Speech, lead_s: float) -> str:
    """GRID's word times: start, end and word, in ticks of 1/25000 s, silence first and last."""
    if len(speech.word_starts_s) != len(words):
        raise LipdataError(
            f"eSpeak NG spoke '{' '.join(words)}' as {len(speech.word_starts_s)} words, not "
            f"{len(words)}; install the version of espeakng-loader that lipdata names"
        )
    edges_s = [0.0, *(lead_s + start_s for start_s in speech.word_starts_s), lead_s + speech.end_s, CLIP_S]
    ticks = [round(edge_s * TICKS_PER_S) for edge_s in edges_s]
    spans = zip(ticks[:-1], ticks[1:], ("sil", *words, "sil"), strict=True)
    return "".join(f"{start} {end} {word}\n" for start, end, word in spans)


def _sound(speech: Speech, lead_s: float) -> bytes:
    """The speech within the clip's three seconds, int16, mono."""
    sound = np.zeros(round(CLIP_S * speech.rate_hz), np.int16)
    start = round(lead_s * speech.rate_hz)
    part = speech.samples[: len(sound) - start]
    sound[start : start + len(part)] = part
    return sound.tobytes()


def _frames(look: Look, face: Face, speech: Speech, lead_s: float, chance: Random) -> Iterator[Image]:
    track = mouth_track(speech.sounds, lead_s, N_FRAMES, FPS)
    for opening, spread, sway in zip(track.opening, track.spread, _sways(chance), strict=True):
        yield show(draw_mouth(face, float(opening), float(spread)), look, sway)


def _sways(chance: Random) -> Iterator[Sway]:
    """A head that is never quite still: slow waves of a few pixels."""
    waves = [(chance.uniform(0.12, 0.45), chance.uniform(0.0, math.tau)) for _ in range(4)]  # Hz, phase
    for frame in range(N_FRAMES):
        right, down, turn, size = (math.sin(math.tau * hz * frame / FPS + phase) for hz, phase in waves)
        yield Sway(right_px=3.5 * right, down_px=2.5 * down, turn_deg=1.3 * turn, size=1.0 + 0.012 * size)


def _encode(clip: Path, frames: bytes, sound: bytes, rate_hz: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sound.wav"
        with wave.open(str(wav), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(sound)
        size = f"{FRAME_WIDTH}x{FRAME_HEIGHT}"
        picture = ffmpeg.input("pipe:", format="rawvideo", pix_fmt="rgb24", s=size, r=FPS)
        # One thread and bitexact: the same bytes every time.
        command = ffmpeg.output(
            picture,
            ffmpeg.input(str(wav)),
            f"file:{clip}",
            format="mpeg",
            vcodec="mpeg1video",
            pix_fmt="yuv420p",
            g=12,
            **{"q:v": 3},
            acodec="mp2",
            ar=44100,
            ac=2,
            audio_bitrate="224k",
            threads=1,
            flags="+bitexact",
            fflags="+bitexact",
            muxpreload=0,
            muxdelay=0,
            loglevel="error",
        )
        process = command.run_async(cmd=ffmpeg_binary(), pipe_stdin=True, pipe_stdout=True, pipe_stderr=True)
        _, errors = process.communicate(frames)
    if process.returncode:
        said = errors.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise LipdataError(f"ffmpeg could not write {clip}: {said[0]}; check the folder and your ffmpeg")
