"""ffmpeg: one process a clip turns a file into frames and sound on one clock, and says where that clock began."""

import functools
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from lipdata.errors import ClipError, LipdataError

# A clip is a sentence, not a film: what is longer than this many bytes of frames is refused, not swapped to disk.
MAX_FRAME_BYTES = 2 << 30
# Local files and our own pipes: a playlist or a subtitle in a stranger's clip opens nothing else.
PROTOCOLS = "file,pipe"
# No playlists (hls, concat, dash): a clip that is one would read files outside the corpus folder.
FORMATS = (
    "mpeg,mpegts,mpegvideo,mov,mp4,matroska,webm,avi,asf,flv,dv,mxf,nut,m4v,h264,hevc,"
    "ogg,wav,w64,mp3,flac,aac,aiff,caf,amr"
)
TIMEOUT_S = 300


@dataclass(frozen=True, repr=False)
class Media:
    """Frames and sound of one clip on one clock: frame i lies at i / fps, sample 0 at the time of frame 0.

    Attributes:
        frames: uint8, RGB, [shape=(T, H, W, 3)].
        sound: float32 mono, -1 to 1, exactly T / fps seconds long [shape=(T * sample_rate / fps,)].
        av_offset_s: how much later than the picture the sound began in the file; 0 in a well-made clip.
        damage: what the decoder complained of, for the ledger; empty in a sound clip.
    """

    frames: np.ndarray
    sound: np.ndarray
    av_offset_s: float
    damage: str

    def __repr__(self) -> str:
        return f"Media(frames={self.frames.shape}, sound={self.sound.shape}, av_offset_s={self.av_offset_s:g})"


@functools.cache
def ffmpeg_binary() -> str:
    """The system's ffmpeg, else the one that the package imageio-ffmpeg carries.

    Raises:
        LipdataError: neither is there.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise LipdataError("no ffmpeg found; install it, or: pip install imageio-ffmpeg") from error


def read_clip(
    path: Path,
    *,
    fps: int,
    sample_rate_hz: int,
    audio_path: Path | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Media:
    """Decode a clip. Other frame rates are brought to ``fps`` by time stamp, sound to mono at ``sample_rate_hz``.

    Sound that is shorter than the picture is padded with silence, longer is cut; holes in it are silence.

    Args:
        audio_path: a file with the sound, where it is not in ``path``.
        start_s, end_s: the part to take, seconds.

    Raises:
        ClipError: stage ``media``: not decodable, no picture, no sound, a picture that changes its size, or too long.
    """
    part = {} if start_s is None else {"ss": start_s}
    part |= {} if end_s is None else {"t": end_s - (start_s or 0.0)}
    picture = _source(path, **part)
    # PTS-STARTPTS: frame 0 lies at 0 whatever its time stamp; showinfo has told that time stamp before.
    video = picture.video.filter("showinfo", checksum=0).filter("setpts", "PTS-STARTPTS").filter("fps", fps=fps)
    sound = (_source(audio_path, **part) if audio_path else picture).audio.filter("ashowinfo")
    with _pipe() as (receiver, sender):
        outputs = ffmpeg.merge_outputs(
            video.output("pipe:1", format="rawvideo", pix_fmt="rgb24", threads=1),
            _sound_output(sound, f"pipe:{sender}", sample_rate_hz),
        )
        pictures, samples, log, status = _run(_command(outputs), receiver, sender)
    shown = _Shown.read(log)
    if status:
        raise ClipError("media", _reason(log, f"ffmpeg ended with status {status}"))
    frames = _frames(pictures, shown, log)
    wanted = len(frames) * sample_rate_hz // fps
    mono = np.frombuffer(samples, np.float32)[round(shown.video_start_s * sample_rate_hz) :][:wanted]
    mono = np.pad(mono, (0, wanted - len(mono)))
    return Media(frames, np.nan_to_num(mono), round(shown.sound_start_s - shown.video_start_s, 6), shown.damage)


def read_sound(path: Path, sample_rate_hz: int) -> np.ndarray:
    """Mono samples, float32, -1 to 1 [shape=(n,)], of anything that ffmpeg reads, video included.

    Raises:
        ClipError: stage ``media``: not decodable or without sound.
    """
    command = _command(_sound_output(_source(path).audio.filter("ashowinfo"), "pipe:1", sample_rate_hz))
    process = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=None, check=False)
    log = process.stderr.decode("utf-8", "replace")
    if not process.stdout:
        raise ClipError("media", _reason(log, "no sound in it"))
    return np.nan_to_num(np.frombuffer(process.stdout, np.float32))


@dataclass(frozen=True)
class _Shown:
    """What ffmpeg wrote of a clip: when each stream began, seconds, the sizes of its pictures, and what was damaged."""

    video_start_s: float
    sound_start_s: float
    sizes: frozenset[tuple[int, int]]  # width, height
    damage: str

    _VIDEO = re.compile(r"n: *\d+ pts: *\S+ pts_time:(\S+) .*?\bs:(\d+)x(\d+) ")
    _SOUND = re.compile(r"n:\d+ pts:\S+ pts_time:(\S+) fmt:\S+ channels:")
    _LACKING = re.compile(r"Stream specifier '\d?:?([av])[^']*' .*matches no streams")
    _DAMAGE = re.compile(r"damaged|concealing|error while decoding|Error submitting|corrupt|Invalid data|missing", re.I)

    @classmethod
    def read(cls, log: str) -> "_Shown":
        pictures, sounds = cls._VIDEO.findall(log), cls._SOUND.findall(log)
        lacking = cls._LACKING.search(log)
        if not pictures and not (lacking and lacking[1] == "a"):
            raise ClipError("media", _reason(log, "no picture in it"))
        if not sounds:
            raise ClipError("media", _reason(log, "no sound in it"))
        times_s = [_seconds(time) for time, _, _ in pictures]
        complaints = len(cls._DAMAGE.findall(log))
        said = [f"decoder complained {complaints} times"] if complaints else []
        steps_s = np.diff(times_s)
        holes = int((steps_s > 1.5 * np.median(steps_s)).sum()) if len(steps_s) else 0
        said += [f"{holes} holes in the picture's time stamps"] if holes else []
        sizes = frozenset((int(width), int(height)) for _, width, height in pictures)
        return cls(times_s[0], _seconds(sounds[0]), sizes, "; ".join(said))


def _seconds(text: str) -> float:
    return 0.0 if text == "NOPTS" else float(text)


def _source(path: Path, **options: Any) -> Any:
    # file: and an absolute path: a name that begins with a dash is no option, one with a colon no protocol.
    guards = {"protocol_whitelist": PROTOCOLS, "format_whitelist": FORMATS}
    return ffmpeg.input(f"file:{Path(path).absolute()}", threads=1, **guards, **options)


def _sound_output(sound: Any, target: str, sample_rate_hz: int) -> Any:
    # async=1 puts silence where time stamps jump; first_pts=0 where the sound begins late.
    resampled = sound.filter("aresample", sample_rate_hz, first_pts=0, **{"async": 1})
    return resampled.output(target, format="f32le", acodec="pcm_f32le", ac=1)


def _command(outputs: Any) -> list[str]:
    quiet = ("-hide_banner", "-nostats", "-nostdin", "-filter_threads", "1", "-filter_complex_threads", "1")
    command: list[str] = ffmpeg.compile(outputs.global_args(*quiet), cmd=ffmpeg_binary())
    return command


def _run(command: list[str], receiver: int, sender: int) -> tuple[bytearray, bytes, str, int]:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[sender]
    ) as process:
        os.close(sender)
        watchdog = threading.Timer(TIMEOUT_S, process.kill)
        watchdog.start()
        try:
            with _Drain(receiver) as sound, _Drain(process.stderr.fileno()) as log:  # type: ignore[union-attr]
                pictures = _read_up_to(process.stdout.fileno(), MAX_FRAME_BYTES)  # type: ignore[union-attr]
                if len(pictures) > MAX_FRAME_BYTES:
                    process.kill()
        finally:
            timed_out = not watchdog.is_alive()
            watchdog.cancel()
    if timed_out:
        raise ClipError("media", f"ffmpeg did not end within {TIMEOUT_S} s and was stopped")
    if len(pictures) > MAX_FRAME_BYTES:
        raise ClipError("media", f"over {MAX_FRAME_BYTES >> 30} GiB of frames; cut it with start_s and end_s")
    return pictures, bytes(sound.content), log.content.decode("utf-8", "replace"), process.returncode


class _Drain(threading.Thread):
    """Reads a pipe to its end beside the main thread, so that ffmpeg never waits for us."""

    def __init__(self, handle: int) -> None:
        super().__init__(daemon=True)
        self.handle, self.content = handle, bytearray()

    def run(self) -> None:
        self.content = _read_up_to(self.handle, 1 << 40)

    def __enter__(self) -> "_Drain":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.join()


def _read_up_to(handle: int, limit: int) -> bytearray:
    content = bytearray()
    while len(content) <= limit and (piece := os.read(handle, 1 << 20)):
        content += piece
    return content


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    receiver, sender = os.pipe()
    try:
        yield receiver, sender
    finally:
        os.close(receiver)


def _frames(pictures: bytearray, shown: _Shown, log: str) -> np.ndarray:
    if len(shown.sizes) > 1:
        raise ClipError("media", f"the picture changes its size: {sorted(shown.sizes)}")
    ((width, height),) = shown.sizes
    n_frames, rest = divmod(len(pictures), width * height * 3)
    if rest or not n_frames:
        raise ClipError("media", _reason(log, f"{rest} bytes of an unfinished frame"))
    return np.frombuffer(pictures, np.uint8).reshape(n_frames, height, width, 3)


def _reason(log: str, otherwise: str) -> str:
    """ffmpeg's own word for what is wrong, its addresses and our folders cut away; else ``otherwise``."""
    lines = [re.sub(r"^\[[^\]]*\] ?", "", line).strip() for line in log.splitlines()]
    telling = re.compile(
        r"Invalid data|moov atom|Error opening|No such file|Permission denied|matches no streams", re.I
    )
    said = [line for line in lines if telling.search(line) and not line.startswith("Error opening input file")]
    if not said or "matches no streams" in said[0]:
        return otherwise
    return f"{otherwise}: {re.sub('file:[^ ]*/', '', said[0])}"[:300]
