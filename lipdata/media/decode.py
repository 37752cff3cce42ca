"""ffmpeg turns a file into frames and sound on one clock, in one process, and says where that clock began."""

import contextlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from lipdata.errors import ClipError
from lipdata.media.damage import concealed_shares, count_complaints
from lipdata.media.ffmpeg import MAX_BYTES, TRIES, Killed, mapped_output, memory_file, run_ffmpeg
from lipdata.media.ffmpeg_command import ffmpeg_arguments, ffmpeg_input

# A clip is a sentence, not a film. What is longer is refused before it is filled in: one time stamp that jumps ten
# hours ahead would make ffmpeg put ten hours of silence into memory.
MAX_CLIP_S = 600
SEEK_EARLY_S = 10.0
CHANGES = "its picture or sound changes its size or format on the way: cut the file there"
TOO_LARGE = f"over {MAX_BYTES >> 30} GiB of frames; cut it with start_s and end_s"
LACKING = re.compile(r"Stream specifier '\d?:?([aV])[^']*' .*matches no streams")
# Clips are refused in which so much of so many pictures is guessed.
TOO_MUCH, TOO_MANY = 0.1, 0.5


@dataclass(frozen=True, repr=False)
class DecodedClip:
    """Frames and sound of one clip on one clock: frame i lies at i / fps, sample 0 at the time of frame 0.

    Attributes:
        frames: uint8, RGB, [shape=(T, H, W, 3)].
        sound: float32 mono, -1 to 1, exactly T / fps seconds long [shape=(T * sample_rate / fps,)].
        held: where the picture before is held over a hole in the time stamps [shape=(T,)].
        av_offset_s: how much later than the picture the sound began in the file; 0 in a well-made clip.
        damage: what the decoder complained of and how many frames it reaches, for the ledger; empty in a sound clip.
    """

    frames: np.ndarray
    sound: np.ndarray
    held: np.ndarray
    av_offset_s: float
    damage: str

    def __repr__(self) -> str:
        return f"DecodedClip(frames={self.frames.shape}, sound={self.sound.shape}, av_offset_s={self.av_offset_s:g})"


def decode_clip(
    path: Path,
    *,
    fps: int,
    sample_rate_hz: int,
    audio_path: Path | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    sound_late_s: float = 0.0,
) -> DecodedClip:
    """Decode a clip. Other frame rates are brought to ``fps`` by time stamp, sound to mono at ``sample_rate_hz``.

    A picture is shown from the frame nearest to its time stamp until the next one is due. Sound that is shorter than
    the picture is padded with silence, longer is cut; holes in it are silence. Of several pictures and sounds the first
    is taken, cover pictures left out. Frames are as they are meant to be seen: turned as the file says, and pixels that
    are not square made so.

    Args:
        audio_path: a file with the sound, where it is not in ``path``.
        start_s, end_s: the part to take, seconds; frame 0 then lies at ``start_s``.
        sound_late_s: take the sound from so much later in the file, so that it comes earlier; negative: from earlier.

    Raises:
        ClipError: stage ``media``: not decodable, no picture, no sound, one of them changes its size or format, too
            long, or damaged in more than half the frames; stage ``ffmpeg``: ffmpeg was killed again and again, or did
            not end in time.
    """
    # Seeking is inexact in some containers: begin early, and let the time stamps decide.
    skipped_s = max(0.0, (start_s or 0.0) - SEEK_EARLY_S + min(0.0, sound_late_s))
    part = {"ss": skipped_s} if skipped_s else {}
    if end_s is not None:
        part["t"] = min(end_s - skipped_s + 1 + max(0.0, sound_late_s), 2 * MAX_CLIP_S)
    decoded = _decode(path, audio_path or path, part, sample_rate_hz)
    times_s, first_s = decoded.picture_s, decoded.picture_s[0]
    origin_s = first_s if start_s is None else start_s - skipped_s
    chosen, held = _choose(times_s, origin_s, fps, None if end_s is None else end_s - (start_s or 0.0))
    if decoded.change_s < origin_s + len(chosen) / fps + max(0.0, sound_late_s):
        raise ClipError(
            "media",
            f"its picture or sound changes its size or format at {decoded.change_s + skipped_s:.2f} s; "
            "let the clip end there with end_s, or cut the file",
        )
    if not len(chosen):
        raise ClipError(
            "media", f"no picture between {start_s} and {end_s} s; it ends at {times_s[-1] + skipped_s:g} s"
        )
    if len(chosen) * decoded.frames[0].nbytes > MAX_BYTES:  # a few pictures may be shown for long
        raise ClipError("media", TOO_LARGE)
    damaged = decoded.guessed[chosen] > TOO_MUCH
    line = _damage_line(decoded.complaints, damaged, held)
    if damaged.mean() > TOO_MANY:
        raise ClipError("media", f"{line}: too many")
    # Most clips are taken as they are: no copy.
    whole = len(chosen) == len(decoded.frames) and (np.diff(chosen) == 1).all()
    n_samples = len(chosen) * sample_rate_hz // fps
    return DecodedClip(
        frames=decoded.frames if whole else decoded.frames[chosen],
        sound=_piece(decoded.sound, round((origin_s + sound_late_s) * sample_rate_hz), n_samples),
        held=held,
        av_offset_s=0.0 if skipped_s else round(decoded.sound_s[0] - first_s, 6),
        damage=line,
    )


def decode_sound(path: Path, sample_rate_hz: int) -> np.ndarray:
    """Mono samples, float32, -1 to 1 [shape=(n,)], of anything that ffmpeg reads, video included.

    Raises:
        ClipError: stage ``media``: not decodable, without sound, or over ``MAX_BYTES`` of it; stage ``ffmpeg``: as in
            :func:`decode_clip`, after one try.
    """
    with memory_file() as file:
        output = _sound_output(ffmpeg_input(path).audio, f"pipe:{file.fileno()}", sample_rate_hz)
        log, status = run_ffmpeg(ffmpeg_arguments(output), [file])
        sound = mapped_output(file)
    if not sound or status:
        raise ClipError("media", _reason(log, f"ffmpeg ended with status {status}" if sound else "no sound in it"))
    return _clipped(np.frombuffer(sound, np.float32))


@dataclass(frozen=True, repr=False)
class _Decoded:
    """All that a file holds: pictures and when each is due, sound from time 0 on and when its pieces are due."""

    frames: np.ndarray  # n, H, W, 3
    picture_s: np.ndarray
    sound: np.ndarray
    sound_s: np.ndarray
    change_s: float  # from here on another size or format, and the clock is not to be trusted; else infinity
    complaints: int
    guessed: np.ndarray  # n; how much of each picture the decoder guessed


def _decode(path: Path, audio_path: Path, part: dict[str, float], sample_rate_hz: int) -> _Decoded:
    """Decode; what is killed is tried again, so that the clip fails only if ffmpeg is killed every time."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(Killed):
            return _decode_once(path, audio_path, part, sample_rate_hz)
    return _decode_once(path, audio_path, part, sample_rate_hz)


def _decode_once(path: Path, audio_path: Path, part: dict[str, float], sample_rate_hz: int) -> _Decoded:
    source = ffmpeg_input(path, **part)
    other = source if audio_path == path else ffmpeg_input(audio_path, **part)
    decoded, log = _run(source, other, sample_rate_hz)
    complaints = count_complaints(log)
    if complaints:
        held = np.isinf(decoded.change_s)  # where the size changes ffmpeg forgets what its filters hold
        del decoded  # before as much memory is taken again
        decoded, log = _run(source, other, sample_rate_hz, damaged=True, held=held)
        decoded = replace(decoded, complaints=complaints, guessed=concealed_shares(log, decoded.picture_s))
    return decoded


def _run(
    source: Any, other: Any, sample_rate_hz: int, *, damaged: bool = False, held: bool = False
) -> tuple[_Decoded, str]:
    """Decode the picture of one input and the sound of another.

    Args:
        damaged: ask for what :func:`damage.guessed` needs.
        held: give the same pictures every time. Where a decoder leaves a hole it shows what was in that memory before,
            and ffmpeg's threads use it again in chance order: all pictures are kept until the last is there, so that
            each gets memory that is new.
    """
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(memory_file()) for _ in range(4)]
        image_file, sound_file, picture_clock, sound_clock = (f"pipe:{file.fileno()}" for file in files)
        # Each picture as a PPM: it has its size in it, and nothing is repeated or dropped on the way.
        pictures = _stamped(source["V"], "", picture_clock).filter("trim", end=MAX_CLIP_S)
        if held:
            pictures = pictures.filter("reverse").filter("reverse")
        # Pixels that are not square are made so.
        pictures = pictures.filter("scale", w="round(iw*sar)", h="ih")
        pictures = pictures.output(
            image_file, format="image2pipe", vcodec="ppm", pix_fmt="rgb24", threads=1, fps_mode="passthrough"
        )
        samples = _stamped(other.audio, "a", sound_clock).filter("atrim", end=MAX_CLIP_S)
        outputs = ffmpeg.merge_outputs(pictures, _sound_output(samples, sound_file, sample_rate_hz))
        log, status = run_ffmpeg(ffmpeg_arguments(outputs, thoroughly=damaged), files)
        images, sound, *clocks = map(mapped_output, files)
    picture_s, sound_s = map(_times, clocks)
    _require_whole(images, picture_s, sound_s, log, status)
    decoded = _Decoded(
        _frames(images, len(picture_s)),
        picture_s,
        _clipped(np.frombuffer(sound, np.float32)),
        sound_s,
        min(map(_change_s, clocks, (picture_s, sound_s))),
        complaints=0,
        guessed=np.zeros(len(picture_s)),
    )
    return decoded, log


def _require_whole(content: memoryview, picture_s: np.ndarray, sound_s: np.ndarray, log: str, status: int) -> None:
    lacking = LACKING.search(log)
    if not len(picture_s) and not (lacking and lacking[1] == "a"):
        raise ClipError("media", _reason(log, "no picture in it"))
    if not len(sound_s):
        raise ClipError("media", _reason(log, "no sound in it"))
    last_s = max(picture_s.max(), sound_s.max())
    if last_s > MAX_CLIP_S:
        raise ClipError("media", f"its time stamps reach {last_s:.0f} s; allowed: {MAX_CLIP_S}; see start_s, end_s")
    if len(content) > MAX_BYTES:
        raise ClipError("media", TOO_LARGE)
    if status:
        raise ClipError("media", _reason(log, f"ffmpeg ended with status {status}"))


def _choose(times_s: np.ndarray, origin_s: float, fps: int, length_s: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Which picture each frame shows, and whether it only holds the one before over a hole."""
    places = np.floor((times_s - origin_s) * fps + 0.5).astype(np.int64)
    step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1 / fps
    n_frames = round((times_s[-1] + step_s - origin_s) * fps)
    if length_s is not None:
        n_frames = min(n_frames, round(length_s * fps))
    chosen = np.searchsorted(places, np.arange(n_frames), side="right") - 1
    chosen = np.maximum(chosen, 0)
    held_s = np.arange(n_frames) / fps + origin_s - times_s[chosen]
    in_hole = np.diff(times_s, append=times_s[-1] + step_s)[chosen] > 1.5 * step_s
    return chosen, in_hole & (held_s > max(step_s, 1 / fps) - 0.5 / fps)


def _damage_line(complaints: int, damaged: np.ndarray, held: np.ndarray) -> str:
    """What the ledger says of a clip; empty where all is well."""
    line = [f"decoder complained {complaints} times, {damaged.sum()} of {len(damaged)} frames damaged"] * bool(
        complaints
    )
    return "; ".join(line + [f"{held.sum()} frames held over holes"] * bool(held.any()))


def _piece(sound: np.ndarray, first: int, length: int) -> np.ndarray:
    """``length`` samples from ``first`` on, which may lie before the sound's beginning; silence where there is none."""
    piece = sound[max(0, first) : max(0, first + length)]
    before = min(length, max(0, -first))
    return np.pad(piece, (before, length - before - len(piece)))


def _clipped(sound: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(sound), -1, 1)


def _stamped(stream: Any, kind: str, target: str) -> Any:
    """The stream, its time stamps written to a file of ours: nothing that a clip calls itself can pose as one."""
    stream = stream.filter(f"{kind}metadata", "delete").filter(f"{kind}metadata", "add", key="clock", value=1)
    return stream.filter(f"{kind}metadata", "print", key="clock", file=target)


def _times(clock: memoryview) -> np.ndarray:
    """Seconds of each frame; where a frame has no time stamp, that of the one before."""
    times_s: list[float] = []
    for text in re.findall(rb"pts_time:(\S+)", clock):
        times_s.append(float(text) if text != b"NOPTS" else times_s[-1] if times_s else 0.0)
    return np.array(times_s)


def _change_s(clock: memoryview, times_s: np.ndarray) -> float:
    """When a stream first changed its size or format: ffmpeg then builds its filters anew, which count from 0 again.

    Pictures are squeezed into the first size from there on, and before the sound comes all its silence once more.
    """
    begins = np.array(re.findall(rb"^frame:(\d+)", clock, re.M)) == b"0"
    return float(min(times_s[begins][1:], default=np.inf))


def _sound_output(sound: Any, target: str, sample_rate_hz: int) -> Any:
    # async=1 puts silence where time stamps jump; first_pts=0 where the sound begins late. rematrix_maxval=1: mono is
    # the mean of the channels, where ffmpeg's own mix of floats is 3 dB louder and goes beyond 1.
    mono = sound.filter("aresample", sample_rate_hz, first_pts=0, rematrix_maxval=1, **{"async": 1})
    mono = mono.filter("aformat", sample_fmts="flt", channel_layouts="mono")
    return mono.output(target, format="f32le", acodec="pcm_f32le")


def _frames(content: memoryview, n_frames: int) -> np.ndarray:
    """The pictures of a row of PPM files of one size, without copying them [shape=(n_frames, H, W, 3)]."""
    header = re.match(rb"P6\n(\d+) (\d+)\n255\n", content)
    if not header:
        raise ClipError("media", "no picture in it")
    width, height = int(header[1]), int(header[2])
    size = header.end() + width * height * 3
    if len(content) != n_frames * size or any(
        content[at : at + header.end()] != header[0] for at in range(0, len(content), size)
    ):
        raise ClipError("media", CHANGES)
    rows = np.frombuffer(content, np.uint8).reshape(n_frames, size)
    return rows[:, header.end() :].reshape(n_frames, height, width, 3)


def _reason(log: str, otherwise: str) -> str:
    """ffmpeg's own word for what is wrong, its addresses and our folders cut away; else ``otherwise``."""
    lines = [re.sub(r"^(\[[^\]]*\] ?)+", "", line).strip() for line in log.splitlines()]
    if "not on whitelist" in log.lower():
        return "a kind of file that lipdata does not open: turn it into mp4 or wav"
    if "reinitializing filters" in log:
        return CHANGES
    telling = re.compile(
        r"Invalid data|moov atom|Error opening|No such file|Permission denied|matches no streams", re.I
    )
    said = [line for line in lines if telling.search(line) and not line.startswith("Error opening input file")]
    if not said or "matches no streams" in said[0]:
        return otherwise
    return f"{otherwise}: {re.sub('file:[^ ]*/', '', said[0])}"[:300]
