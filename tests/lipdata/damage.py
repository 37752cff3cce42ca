"""Damaged and odd files made from a real clip, and for each what is right: ok with which data, or failed with what."""

import io
import random
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lipdata.ledger import FAILED, Entry
from lipdata.media import ffmpeg_binary
from lipdata.shards import ClipData
from tests.lipdata import judge
from tests.lipdata.judge import Check, Place

BEGIN_S, LENGTH_S = 0.6, 1.2
LOSSLESS = ("-c:v", "ffv1", "-c:a", "pcm_s16le")
# Frame 0 is the only key frame, and every frame is worth its bytes.
H264 = ("-c:v", "libx264", "-qp", "12", "-preset", "ultrafast", "-threads", "1")
MP4 = (*H264, "-c:a", "aac", "-b:a", "192k")
MPEG = ("-c:v", "mpeg1video", "-q:v", "2", "-c:a", "mp2", "-b:a", "224k")
SIDE = (360, 288)


@dataclass(frozen=True)
class Good:
    """A real clip, and short lossless pieces of it and of another speaker's.

    Attributes:
        whole: the corpus' own MPEG-1 file.
        short: LENGTH_S of it in Matroska, ffv1 and PCM.
        other: as ``short``, of somebody else.
    """

    whole: Path
    short: Path
    other: Path


Make = Callable[[Good, Path], object]


@dataclass(frozen=True)
class Case:
    """One damaged or odd file.

    Attributes:
        kind: the row of the table it belongs to.
        name: its file name; unique.
        make: writes the file.
        right: what its data must be beside those of the undamaged clip; None: it must fail.
        failure: ``stage: reason`` that is right too, a pattern; empty: it must be ok.
        of: the undamaged clip, ``whole`` or ``short``.
    """

    kind: str
    name: str
    make: Make
    right: Check | None = None
    failure: str = ""
    of: str = "short"


def verdict(case: Case, entry: Entry, made: ClipData | None, real: ClipData) -> str:
    """What is wrong with the end of a case; empty where nothing is."""
    if entry.status == FAILED:
        said = f"{entry.stage}: {entry.reason}"
        return "" if case.failure and re.match(case.failure, said) else f"failed, {said}"
    if made is None or case.right is None:
        return "ok, and it should have failed"
    return case.right(made, real)


def ffmpeg(*arguments: object) -> None:
    command = [ffmpeg_binary(), "-v", "error", "-nostdin", "-y", "-threads", "1", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def shorten(whole: Path, out: Path, begin_s: float = BEGIN_S, length_s: float = LENGTH_S) -> Path:
    """A piece of a clip, its pictures 360 x 288 and not a bit lost beside that."""
    ffmpeg("-i", whole, "-ss", begin_s, "-t", length_s, *LOSSLESS, out)
    return out


def coded(*options: object) -> Make:
    """The short clip with other coding, filters or streams."""
    return lambda good, out: ffmpeg("-i", good.short, *options, out)


def bytes_of(change: Callable[[bytearray, random.Random], bytearray], seed: int, coding: tuple[str, ...] = ()) -> Make:
    """The file's bytes changed at random: the corpus' own file, or the short clip coded anew."""

    def make(good: Good, out: Path) -> None:
        if coding:
            ffmpeg("-i", good.short, *coding, out)
        content = bytearray((out if coding else good.whole).read_bytes())
        out.write_bytes(change(content, random.Random(seed)))

    return make


def cut_off(content: bytearray, random: random.Random) -> bytearray:
    return content[: random.randrange(len(content) // 50, len(content))]


def flipped(content: bytearray, random: random.Random) -> bytearray:
    for _ in range(4 ** random.randrange(1, 6)):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return content


def zeroed(content: bytearray, random: random.Random) -> bytearray:
    length = min(2 ** random.randrange(6, 16), len(content) // 4)
    start = random.randrange(len(content) // 10, len(content) - length)
    content[start : start + length] = bytes(length)
    return content


def truncated() -> Iterator[Case]:
    unreadable = r"media: (no (picture|sound) in it|\d+ frames; a window needs 16)"
    codings = (("mpg", ()), ("mpg", ()), ("mpg", ()), ("mp4", (*MP4, "-movflags", "faststart")), ("mp4", MP4))
    for seed in range(40):
        suffix, coding = (*codings, ("mkv", LOSSLESS), ("ts", MP4), ("avi", MPEG))[seed % 8]
        of = "short" if coding else "whole"
        right = judge.begins_like if not coding or coding == LOSSLESS else judge.sane(2)
        yield Case("truncated", f"cut{seed}.{suffix}", bytes_of(cut_off, seed, coding), right, unreadable, of)


def bytes_changed() -> Iterator[Case]:
    hurt = r"media: (no (picture|sound) in it|\d+ frames; a window|no picture in frames|its time stamps|the picture ch)"
    hurt += "|lips: (no face|the mouth)"
    codings = (("mpg", ()), ("mpg", ()), ("mp4", MP4), ("ts", MP4), ("mkv", MP4))
    for kind, change, n in (("bytes flipped", flipped, 40), ("zeros in the middle", zeroed, 25)):
        for seed in range(n):
            suffix, coding = codings[seed % 5]
            of = "short" if coding else "whole"
            name = f"{kind.split()[0]}{seed}.{suffix}"
            yield Case(kind, name, bytes_of(change, seed, coding), judge.sane(4), hurt, of)


def wrong_container() -> Iterator[Case]:
    kind = "another container than its name says"
    for name in ("whole.mp4", "whole.avi", "whole.txt", "whole.png", "whole"):
        yield Case(kind, name, lambda good, out: shutil.copy(good.whole, out), judge.equal, of="whole")
    for actual, options in (("mkv", LOSSLESS), ("nut", LOSSLESS), ("avi", ("-c:v", "ffv1", "-c:a", "pcm_s16le"))):
        yield Case(kind, f"{actual}.mpg", coded(*options, "-f", actual.replace("mkv", "matroska")), judge.equal)
    alike = judge.every(judge.as_long(1), judge.mouths_at(2), judge.pictures_on_time(), judge.sound_like(2))
    for actual, options in (("mp4", MP4), ("mpegts", MP4), ("mov", MP4), ("flv", (*MP4, "-ar", "44100"))):
        yield Case(kind, f"{actual}.mpg", coded(*options, "-f", actual), alike)


def no_clip() -> Iterator[Case]:
    def writes(content: Callable[[Good], bytes]) -> Make:
        return lambda good, out: out.write_bytes(content(good))

    contents: dict[str, Callable[[Good], bytes]] = {
        "empty.mpg": lambda _: b"",
        "one-byte.mpg": lambda _: b"\0",
        "text.mpg": lambda _: b"no film at all\n" * 200,
        "page.mpg": lambda _: b"<!doctype html><title>404 Not Found</title>",
        "picture.png": lambda _: _picture(".png"),
        "picture.mpg": lambda _: _picture(".png"),
        "picture.jpg": lambda _: _picture(".jpg"),
        "photo.mp4": lambda _: _picture(".jpg"),
        "zip.mpg": lambda good: _zipped(good.short),
        "zip.zip": lambda good: _zipped(good.short),
        "noise.mpg": lambda _: random.Random(1).randbytes(300_000),
        "zeros.mp4": lambda _: bytes(100_000),
        "playlist.m3u8": lambda good: f"#EXTM3U\n#EXTINF:3,\n{good.short.resolve().as_uri()}\n#EXT-X-ENDLIST\n".encode(),
        "concat.mpg": lambda good: f"ffconcat version 1.0\nfile '{good.short.resolve()}'\n".encode(),
        "subtitles.srt": lambda _: b"1\n00:00:00,000 --> 00:00:03,000\nbin blue\n",
    }
    for name, content in contents.items():
        yield Case("no clip at all", name, writes(content), None, "media: (no picture in it|a kind of file that)")
    yield Case("no clip at all", "folder.mpg", lambda _, out: out.mkdir(), None, "manifest: .* is not there")


def _picture(suffix: str) -> bytes:
    return cv2.imencode(suffix, np.full((288, 360, 3), 90, np.uint8))[1].tobytes()


def _zipped(path: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.write(path, "clip.mkv")
    return content.getvalue()


def lacks_a_stream() -> Iterator[Case]:
    for name, options in (("mute.mpg", MPEG), ("mute.mp4", H264), ("mute.mkv", ("-c:v", "ffv1")), ("mute.avi", MPEG)):
        yield Case("no sound", name, coded(*options, "-an"), None, "media: no sound in it")
    empty = ("-af", "atrim=end=0", *LOSSLESS)
    yield Case("no sound", "empty-sound.mkv", coded(*empty), None, "media: no sound in it")
    for name, options in (("blind.mp3", ()), ("blind.mp4", ()), ("blind.mpg", ("-c:a", "mp2")), ("blind.ogg", ())):
        yield Case("no picture", name, coded("-vn", *options), None, "media: no picture in it")
    yield Case("no picture", "cover.mp3", _covered("-vn", "-c:a", "libmp3lame"), None, "media: (no picture in it|1 frame)")
    yield Case("no picture", "cover.m4a", _covered("-vn", "-c:a", "aac"), None, "media: (no picture in it|1 frame)")


def _covered(*options: str) -> Make:
    """With a cover picture, as music has it."""

    def make(good: Good, out: Path) -> None:
        cover = out.with_suffix(".cover.jpg")
        cover.write_bytes(_picture(".jpg"))
        inner = out.with_suffix(f".inner{out.suffix}")
        ffmpeg("-i", good.short, *options, inner)
        ffmpeg("-i", inner, "-i", cover, "-map", 1, "-map", 0, "-c", "copy", "-disposition:v:0", "attached_pic", out)
        inner.unlink()
        cover.unlink()

    return make


def few_frames() -> Iterator[Case]:
    for n in range(1, 17):
        # A video of one frame lasts as long as its frame says it does.
        options = ("-frames:v", n, "-af", f"atrim=end={n / 25}", *LOSSLESS)
        failure = f"media: {n} frames?; a window needs 16" if n < 16 else ""
        right = judge.every(judge.mouths_at(0.1), judge.crops_like(3), _as_many(n))
        yield Case("1 to 16 frames", f"frames{n}.mkv", coded(*options), None if n < 16 else right, failure)


def _as_many(n: int) -> Check:
    return lambda made, real: "" if len(made.frames) == n else f"{len(made.frames)} frames for {n}"


def frame_rates() -> Iterator[Case]:
    for rate in ("10", "12", "12.5", "15", "20", "24000/1001", "24", "30000/1001", "30", "48", "50", "60000/1001", "60"):
        fps = eval_rate(rate)
        late = 0 if fps > 20 else 1
        right = judge.every(
            judge.as_long(2 if fps < 25 else 1), judge.pictures_on_time(late), judge.mouths_at(4), judge.sound_like(0.5)
        )
        name = rate.replace("/", "-")
        yield Case("10 to 60 fps", f"fps{name}.mkv", coded("-vf", f"fps={rate}", *LOSSLESS), right)
        # 12.5 is no rate that MPEG-4 Part 2 or MPEG-1 knows; H.264 takes any.
        lossy = judge.every(
            judge.as_long(2 if fps < 25 else 1), judge.pictures_on_time(late), judge.mouths_at(4), judge.sound_like(2)
        )
        yield Case("10 to 60 fps", f"fps{name}.mp4", coded("-vf", f"fps={rate}", *MP4), lossy)


def eval_rate(rate: str) -> float:
    over, _, under = rate.partition("/")
    return float(over) / float(under or 1)


def variable_rates() -> Iterator[Case]:
    right = judge.every(judge.as_long(2), judge.pictures_on_time(), judge.mouths_at(3), judge.sound_like(0.5))
    kind = "variable frame rate"
    for seed in range(6):
        dropped = random.Random(seed).sample(range(1, 29), 8)
        # No six neighbours: more than five frames held would be a failure, rightly.
        keep = "*".join(f"not(eq(n\\,{n}))" for n in dropped if n % 5)
        yield Case(kind, f"dropped{seed}.mkv", coded("-vf", f"select='{keep}'", "-fps_mode", "vfr", *LOSSLESS), right)
    for seed in range(6):
        # Up to 15 ms early or late, as phones have it.
        jitter = f"settb=1/1000,setpts='N*40+15*sin(N*{seed + 1})'"
        options = ("-vf", jitter, "-fps_mode", "passthrough", "-enc_time_base", "1/1000", *LOSSLESS)
        yield Case(kind, f"jitter{seed}.mkv", coded(*options), right)
    hole = ("-vf", "select='not(between(n\\,10\\,18))'", "-fps_mode", "vfr", *LOSSLESS)
    yield Case(kind, "hole.mkv", coded(*hole), None, "media: no picture in frames 1[01] to 18: a hole")


def sizes() -> Iterator[Case]:
    for width, height in ((360, 288), (180, 144), (240, 192), (450, 360), (719, 575), (720, 576), (1080, 864)):
        scale = (width / SIDE[0], height / SIDE[1])
        right = _moved(scaled(*scale), max(2.0, 2 * scale[0]), 12)
        yield Case("odd sizes", f"size{width}.mkv", coded("-vf", f"scale={width}:{height}", *LOSSLESS), right)
    for left, top, width, height in ((3, 1, 367, 289), (0, 300, 361, 601), (500, 0, 861, 289), (7, 9, 1001, 1003)):
        pad = f"pad={width}:{height}:{left}:{top}"
        right = _moved(shifted(left, top), 2, 6)
        pad_options = ("-pix_fmt", "yuv444p", "-vf", f"format=yuv444p,{pad}")
        yield Case("odd sizes", f"pad{width}.mkv", coded(*pad_options, *LOSSLESS), right)
    for side in (2, 16, 40):
        options = ("-vf", f"scale={side}:{side}", *LOSSLESS)
        yield Case("odd sizes", f"size{side}.mkv", coded(*options), None, "lips: no face in any")


def _moved(place: Place, px: float, levels: float) -> Check:
    return judge.every(
        judge.as_long(), judge.mouths_at(px, place), judge.crops_like(levels), judge.pictures_on_time(), judge.sound_like(2)
    )


def scaled(by_x: float, by_y: float) -> Place:
    return lambda point: (point + 0.5) * (by_x, by_y) - 0.5


def shifted(by_x: float, by_y: float) -> Place:
    return lambda point: point + (by_x, by_y)


def pixel_shapes() -> Iterator[Case]:
    """Pictures stored narrow or wide that say so: seen as they are meant to be, they are the undamaged clip's."""
    for width, height, aspect in ((180, 288, "2/1"), (720, 288, "1/2"), (270, 288, "4/3"), (360, 192, "2/3")):
        options = ("-vf", f"scale={width}:{height},setsar={aspect}", *LOSSLESS)
        # Half the lines are gone, and the picture is as large as its sides say after they are made square.
        square = (width * eval_rate(aspect) / SIDE[0], height / SIDE[1])
        yield Case("pixels not square", f"sar{width}x{height}.mkv", coded(*options), _moved(scaled(*square), 2, 12))
    options = ("-vf", "scale=330:288,setsar=12/11", *MP4)
    yield Case("pixels not square", "pal.mp4", coded(*options), _moved(scaled(1, 1), 2, 8))
    options = ("-vf", "scale=270:288,setsar=4/3", *MPEG)
    yield Case("pixels not square", "sar.mpg", coded(*options), _moved(scaled(1, 1), 2, 8))


def rotated() -> Iterator[Case]:
    """Stored lying or head down, with metadata that say so."""
    stored = {90: "transpose=clock", 180: "hflip,vflip", 270: "transpose=cclock"}
    for degrees, turn in stored.items():
        for suffix in ("mp4", "mov"):
            make = _tagged(("-display_rotation", str(degrees)), ("-vf", turn, *MP4))
            yield Case("rotated by metadata", f"turned{degrees}.{suffix}", make, _moved(scaled(1, 1), 2, 8))
    make = _tagged(("-display_hflip",), ("-vf", "hflip", *MP4))
    yield Case("rotated by metadata", "mirrored.mp4", make, _moved(scaled(1, 1), 2, 8))


def _tagged(tag: tuple[str, ...], coding: tuple[str, ...]) -> Make:
    def make(good: Good, out: Path) -> None:
        inner = out.with_suffix(f".inner{out.suffix}")
        ffmpeg("-i", good.short, *coding, inner)
        ffmpeg(*tag, "-i", inner, "-c", "copy", out)
        inner.unlink()

    return make


def sounds() -> Iterator[Case]:
    same_picture = judge.every(judge.as_long(), judge.mouths_at(0.1), judge.crops_like(0.1))
    for rate in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000):
        right = judge.every(same_picture, judge.sound_like(2, rate / 2))
        yield Case("8 to 96 kHz", f"rate{rate}.mkv", coded("-ar", rate, *LOSSLESS), right)
    for layout in ("mono", "stereo", "2.1", "3.0", "4.0", "5.0", "5.1", "7.1"):
        # The voice is in one loudspeaker, or in two alike: another level, the same spectrum.
        right = judge.every(same_picture, judge.sound_like(2, level=layout in ("mono", "stereo")))
        name = layout.replace(".", "-")
        yield Case("mono to 7.1", f"{name}.mkv", coded("-ac", 1, "-af", f"aformat=channel_layouts=mono,{_spread(layout)}", *LOSSLESS), right)
    for codec in ("aac", "libmp3lame", "mp2", "libopus", "libvorbis", "flac", "ac3", "alac", "pcm_u8", "pcm_alaw", "pcm_f64le", "wavpack"):
        options = ("-c:v", "ffv1", "-b:a", "160k", "-c:a", codec, *(("-ar", "48000") if codec == "libopus" else ()))
        yield Case("sound codecs", f"{codec}.mkv", coded(*options), judge.every(judge.as_long(1), judge.mouths_at(0.1), judge.sound_like(4, 12000)))


def _spread(layout: str) -> str:
    return {"mono": "anull", "stereo": "pan=stereo|c0=c0|c1=c0"}.get(layout, f"pan={layout}|FL=c0|FR=c0")


def late_sound() -> Iterator[Case]:
    """Sound that begins before or after the picture, with time stamps that say so."""
    right = judge.every(judge.as_long(1), judge.mouths_at(2), judge.pictures_on_time(), judge.sound_like(2))
    for late_s in (-0.5, -0.37, -0.2, 0.2, 0.37, 0.5):
        for suffix, coding in (("mkv", LOSSLESS), ("mp4", MP4), ("mov", (*H264, "-c:a", "pcm_s16le")), ("ts", MP4)):
            name = f"sound{'+' if late_s > 0 else '-'}{abs(late_s)}.{suffix}"
            yield Case("sound shifted by metadata", name, _offset(late_s, coding), right)


def _offset(late_s: float, coding: tuple[str, ...]) -> Make:
    def make(good: Good, out: Path) -> None:
        sound = ("-itsoffset", late_s, "-ss", BEGIN_S + late_s, "-t", LENGTH_S - late_s, "-i", good.whole)
        ffmpeg("-i", good.short, *sound, "-map", "0:v", "-map", "1:a", *coding, out)

    return make


def faces() -> Iterator[Case]:
    right = judge.every(judge.as_long(), judge.mouths_at(4), judge.pictures_on_time(), judge.sound_like(0.5))
    for first, n in ((5, 1), (12, 2), (8, 3), (3, 4), (10, 5), (10, 6), (10, 9), (0, 3), (0, 7), (26, 4), (22, 8)):
        gone = f"drawbox=t=fill:c=gray:enable='between(n,{first},{first + n - 1})'"
        failure = f"lips: no face in frames {first} to {first + n - 1} of 30" if n > 5 else ""
        case = Case("face leaves and returns", f"gone{first}-{n}.mkv", coded("-vf", gone, *LOSSLESS), right, failure)
        yield case if n <= 5 else Case(case.kind, case.name, case.make, None, failure)
    for name, layout, place in (("left", "[0][1]", shifted(0, 0)), ("right", "[1][0]", shifted(SIDE[0], 0))):
        right_beside = judge.every(judge.as_long(), _one_of(place))
        yield Case("two faces", f"{name}.mkv", _beside(f"{layout}hstack"), right_beside)
        larger = "[0]scale=540:432[a];[a][1]" if name == "left" else "[0]scale=540:432[a];[1][a]"
        yield Case("two faces", f"{name}-larger.mkv", _beside(_stack(larger)), judge.every(judge.as_long(), _steady))


def _stack(layout: str) -> str:
    small = "[1]pad=360:432[b];"
    return small + layout.replace("[a][1]", "[a][b]hstack").replace("[1][a]", "[b][a]hstack")


def _beside(graph: str) -> Make:
    def make(good: Good, out: Path) -> None:
        ffmpeg("-i", good.short, "-i", good.other, "-filter_complex", graph, "-map", "0:a", *LOSSLESS, out)

    return make


def _one_of(place: Place) -> Check:
    """The mouth of this clip's face or of the other's, the same throughout."""

    def check(made: ClipData, real: ClipData) -> str:
        return _steady(made, real) and judge.mouths_at(2, place)(made, real)

    return check


def _steady(made: ClipData, _: ClipData) -> str:
    """One person's mouth throughout: no jump from one face to another."""
    step = np.linalg.norm(np.diff(judge.mouths(made).mean(1), axis=0), axis=1).max()
    return f"the mouth jumps {step:.0f} px" if step > 20 else ""


def upside_down() -> Iterator[Case]:
    for name, turn in (("vflip", "vflip"), ("half", "hflip,vflip"), ("lying", "transpose=clock"), ("right", "transpose=cclock")):
        yield Case("upside down", f"{name}.mkv", coded("-vf", turn, *LOSSLESS), None, "lips: no face in")


def colours() -> Iterator[Case]:
    for pixels in ("gray", "gray10le"):
        yield Case("grey", f"{pixels}.mkv", coded("-pix_fmt", pixels, *LOSSLESS), _moved(scaled(1, 1), 2, 25))
    yield Case("grey", "hue.mp4", coded("-vf", "hue=s=0", *MP4), _moved(scaled(1, 1), 2, 25))
    for pixels in ("yuv444p", "yuv422p10le", "yuv420p12le", "bgra", "rgb48le"):
        yield Case("pixel formats", f"{pixels}.mkv", coded("-pix_fmt", pixels, *LOSSLESS), _moved(scaled(1, 1), 2, 3))
    full = ("-vf", "scale=out_range=full", "-color_range", "pc", *MP4)
    yield Case("pixel formats", "full-range.mp4", coded(*full), _moved(scaled(1, 1), 2, 8))
    yield Case("pixel formats", "interlaced.mpg", coded("-vf", "setfield=tff", "-flags", "+ildct+ilme", *MPEG), _moved(scaled(1, 1), 2, 8))


def large() -> Iterator[Case]:
    n_frames = 18
    for name, chain, place in (
        ("scaled", "scale=2700:2160,pad=3840:2160:570:0", lambda point: (point + 0.5) * 7.5 - 0.5 + (570, 0)),
        ("corner", "scale=1440:1152,pad=3840:2160:2300:900", lambda point: (point + 0.5) * 4 - 0.5 + (2300, 900)),
    ):
        options = ("-frames:v", n_frames, "-vf", chain, "-af", f"atrim=end={n_frames / 25}", *MP4)
        right = judge.every(_as_many(n_frames), judge.mouths_at(15, place), judge.crops_like(12))
        yield Case("4K", f"{name}.mp4", coded(*options), right)


def names() -> Iterator[Case]:
    odd = (
        " a b .mpg", "it's \"x\".mpg", "new\nline.mpg", "\ttab.mpg", "唇😀.mpg", "👩‍👩‍👧.mpg", "-i.mpg", "--.mpg", "-", "http:a.mpg",
        "%d.mpg", "%03d.mpg", "a?b=c&d.mpg", "*.mpg", "[0:v].mpg", "a;b,c.mpg", "$HOME.mpg", "`ls`.mpg", "file:x.mpg",
        "e\u0301.mpg", "\u202egpm.mpg", "pipe:0", ".hidden.mpg", "x" * 200 + ".mpg", "concat:a|b.mpg", "a\\b"[:1] + ".MPG", "cr\r.mpg",
    )  # fmt: skip
    for name in odd:
        yield Case("odd names", name, lambda good, out: shutil.copy(good.whole, out), judge.equal, of="whole")


def streams() -> Iterator[Case]:
    """Several streams: the picture and the sound that a player would choose."""
    right = _moved(scaled(1, 1), 2, 8)
    two = ("-filter_complex", "[0:v]split[a][b];[b]scale=90:72[s];[s]hue=s=0[t]", "-map", "[t]", "-map", "[a]", "-map", "0:a")
    yield Case("several streams", "small-first.mkv", coded(*two, *LOSSLESS), right)
    yield Case("several streams", "cover.mp4", _covered(*MP4), right)
    yield Case("several streams", "cover.mkv", _covered(*MP4), right)
    silence = ("-f", "lavfi", "-t", LENGTH_S, "-i", "anullsrc=r=44100:cl=stereo")
    languages = (*silence, "-map", "0:v", "-map", "1:a", "-map", "0:a", "-disposition:a:0", "0", "-disposition:a:1", "default")
    yield Case("several streams", "second-sound.mkv", coded(*languages, *LOSSLESS), right)
    other = (*silence, "-map", "0:v", "-map", "0:a", "-map", "1:a", "-disposition:a:0", "default", "-disposition:a:1", "0")
    yield Case("several streams", "first-sound.mp4", coded(*other, *MP4), right)
    yield Case("several streams", "subtitles.mkv", _subtitled, right)


def _subtitled(good: Good, out: Path) -> None:
    words = out.with_suffix(".srt")
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nbin blue at f two now\n")
    ffmpeg("-i", words, "-i", good.short, *LOSSLESS, out)
    words.unlink()


def clocks() -> Iterator[Case]:
    right = _moved(scaled(1, 1), 2, 8)
    kind = "odd time stamps"
    yield Case(kind, "begins-at-an-hour.ts", coded("-output_ts_offset", 3600, *MP4), right)
    yield Case(kind, "begins-at-an-hour.mkv", coded("-output_ts_offset", 3600, *LOSSLESS), right)
    # 33 bits of 90 kHz run over after 26.5 hours.
    yield Case(kind, "runs-over.ts", coded("-muxdelay", 0, "-output_ts_offset", 95443.2, *MP4), right)
    yield Case(kind, "b-frames.avi", coded("-c:v", "mpeg4", "-q:v", 2, "-bf", 2, "-c:a", "mp2"), right)
    yield Case(kind, "b-frames.mp4", coded("-c:v", "libx264", "-qp", 12, "-bf", 3, "-c:a", "aac"), right)
    yield Case(kind, "fragments.mp4", coded(*MP4, "-movflags", "frag_keyframe+empty_moov", "-g", 5), right)
    jump = ("-vf", "setpts=PTS+gte(N\\,15)*36000/TB", "-fps_mode", "vfr", *LOSSLESS)
    yield Case(kind, "jumps.mkv", coded(*jump), None, "media: its time stamps reach 3600")
    twice = judge.every(judge.mouths_at(2), judge.pictures_on_time())
    yield Case(kind, "twice.mpg", _twice, twice, "media: ")
    yield Case(kind, "backwards.mkv", coded("-vf", "reverse,setpts=N/25/TB", *LOSSLESS), judge.as_long())
    resized = r"media: the picture changes its size: it began as 360x288"
    yield Case(kind, "changes-size.mpg", _two_sizes, None, resized)


def _twice(good: Good, out: Path) -> None:
    """One MPEG after the other, as ``cat`` does it: the time stamps begin anew in the middle."""
    ffmpeg("-i", good.short, *MPEG, out)
    out.write_bytes(2 * out.read_bytes())


def _two_sizes(good: Good, out: Path) -> None:
    ffmpeg("-i", good.short, *MPEG, out)
    first = out.read_bytes()
    ffmpeg("-i", good.short, "-vf", "scale=720:576", "-output_ts_offset", LENGTH_S, *MPEG, out)
    out.write_bytes(first + out.read_bytes())


KINDS = (truncated, bytes_changed, wrong_container, no_clip, lacks_a_stream, few_frames, frame_rates, variable_rates, sizes)
KINDS += (pixel_shapes, rotated, sounds, late_sound, faces, upside_down, colours, large, names, streams, clocks)


def cases() -> list[Case]:
    return [case for kind in KINDS for case in kind()]
