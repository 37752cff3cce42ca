"""Pictures of odd sizes, shapes and colours, turned, upside down, and without the face or with two."""

from collections.abc import Iterator
from pathlib import Path

from tests.lipdata.hostile import judge
from tests.lipdata.hostile.case import LOSSLESS, MP4, MPEG, Case, Good, Make, coded, ffmpeg, number

SIDE = (360, 288)


def sizes() -> Iterator[Case]:
    for width, height in ((360, 288), (180, 144), (240, 192), (450, 360), (719, 575), (720, 576), (1080, 864)):
        scale = (width / SIDE[0], height / SIDE[1])
        right = judge.alike(max(3.0, 2 * scale[0]), 12, judge.scaled(*scale))
        yield Case("odd sizes", f"size{width}.mkv", coded("-vf", f"scale={width}:{height}", *LOSSLESS), right)
    for left, top, width, height in ((3, 1, 367, 289), (0, 300, 361, 601), (500, 0, 861, 289), (7, 9, 1001, 1003)):
        mouths = judge.mouths_at(3, judge.shifted(left, top))
        right = judge.every(judge.as_long(), mouths, judge.crops_like(6), judge.sound_like(0.1))
        made = coded("-vf", f"format=yuv444p,pad={width}:{height}:{left}:{top}", *LOSSLESS)
        yield Case("odd sizes", f"pad{width}.mkv", made, right)
    for side in (2, 16, 40):
        made = coded("-vf", f"scale={side}:{side}", *LOSSLESS)
        yield Case("odd sizes", f"size{side}.mkv", made, None, "lips: no face in frames 0 to 29 of 30")


def pixel_shapes() -> Iterator[Case]:
    """Pictures stored narrow or wide that say so: seen as they are meant to be, they are the undamaged clip's."""
    kind = "pixels not square"
    for width, height, aspect in ((180, 288, "2/1"), (720, 288, "1/2"), (270, 288, "4/3"), (360, 192, "2/3")):
        made = coded("-vf", f"scale={width}:{height},setsar={aspect}", *LOSSLESS)
        square = judge.scaled(width * number(aspect) / SIDE[0], height / SIDE[1])
        yield Case(kind, f"sar{width}x{height}.mkv", made, judge.alike(2, 12, square))
    yield Case(kind, "pal.mp4", coded("-vf", "scale=330:288,setsar=12/11", *MP4), judge.alike(2, 8))
    yield Case(kind, "sar.mpg", coded("-vf", "scale=270:288,setsar=4/3", *MPEG), judge.alike(4, 8))


def rotated() -> Iterator[Case]:
    """Stored lying or head down, with metadata that say so."""
    for degrees, turn in {90: "transpose=clock", 180: "hflip,vflip", 270: "transpose=cclock"}.items():
        for suffix in ("mp4", "mov"):
            made = _tagged(("-display_rotation", degrees), ("-vf", turn, *MP4))
            yield Case("rotated by metadata", f"turned{degrees}.{suffix}", made, judge.alike(2, 8))
    made = _tagged(("-display_hflip",), ("-vf", "hflip", *MP4))
    yield Case("rotated by metadata", "mirrored.mp4", made, judge.alike(2, 8))


def colours() -> Iterator[Case]:
    on_time = judge.every(judge.as_long(), judge.mouths_at(2), judge.pictures_on_time(), judge.sound_like(2))
    grey = judge.every(on_time, judge.grey_like(4))
    for pixels in ("gray", "gray10le", "gray12le"):
        yield Case("grey", f"{pixels}.mkv", coded("-pix_fmt", pixels, *LOSSLESS), grey)
    yield Case("grey", "hue.mp4", coded("-vf", "hue=s=0", *MP4), grey)
    yield Case("grey", "hue.mpg", coded("-vf", "hue=s=0", *MPEG), grey)
    for pixels in ("yuv444p", "yuv422p10le", "yuv420p12le", "bgra", "rgb48le"):
        yield Case("pixel formats", f"{pixels}.mkv", coded("-pix_fmt", pixels, *LOSSLESS), judge.alike(2, 3))
    full = ("-vf", "scale=out_range=full", "-color_range", "pc", *MP4)
    yield Case("pixel formats", "full-range.mp4", coded(*full), judge.alike(2, 8))
    woven = ("-vf", "setfield=tff", "-flags", "+ildct+ilme", *MPEG, "-c:v", "mpeg2video")
    yield Case("pixel formats", "interlaced.mpg", coded(*woven), judge.alike(2, 8))


def large() -> Iterator[Case]:
    n_frames = 18
    for name, times, left, top in (("scaled", 7.5, 570, 0), ("corner", 4, 2300, 900)):
        width, height = (round(times * side) for side in SIDE)
        chain = f"scale={width}:{height},pad=3840:2160:{left}:{top}"
        made = coded("-frames:v", n_frames, "-vf", chain, "-af", f"atrim=end={n_frames / 25}", *MP4)
        mouths = judge.mouths_at(2 * times, judge.scaled(times, times, left, top))
        yield Case("4K", f"{name}.mp4", made, judge.every(judge.as_many(n_frames), mouths, judge.crops_like(12)))


def faces() -> Iterator[Case]:
    right = judge.every(judge.as_long(), judge.mouths_at(4), judge.pictures_on_time(), judge.sound_like(0.1))
    for first, n in ((5, 1), (12, 2), (8, 3), (3, 4), (10, 5), (10, 6), (10, 9), (0, 3), (0, 7), (26, 4), (22, 8)):
        made = coded("-vf", f"drawbox=t=fill:c=gray:enable='between(n,{first},{first + n - 1})'", *LOSSLESS)
        failure = f"lips: no face in frames {first} to {first + n - 1} of 30" if n > 5 else ""
        yield Case("face leaves and returns", f"gone{first}-{n}.mkv", made, None if failure else right, failure)


def two_faces() -> Iterator[Case]:
    """This clip's face, which the detector is more certain of or which is larger, beside another."""
    steady = judge.every(judge.as_long(), judge.steady)
    for name, order, left in (("left", "[a][b]", 0), ("right", "[b][a]", SIDE[0])):
        for suffix, times in (("", 1), ("-larger", 1.5)):
            width, height = (round(times * side) for side in SIDE)
            graph = f"[0]scale={width}:{height}[a];[1]pad={SIDE[0]}:{height}[b];{order}hstack"
            mouths = judge.mouths_at(3 * times, judge.scaled(times, times, left, 0))
            yield Case("two faces", f"{name}{suffix}.mkv", _beside(graph), judge.every(steady, mouths))


def upside_down() -> Iterator[Case]:
    turns = {"vflip": "vflip", "half": "hflip,vflip", "lying": "transpose=clock", "lying-left": "transpose=cclock"}
    for name, turn in turns.items():
        yield Case("upside down", f"{name}.mkv", coded("-vf", turn, *LOSSLESS), None, "lips: no face in")


def _tagged(tag: tuple[object, ...], coding: tuple[str, ...]) -> Make:
    def make(good: Good, out: Path) -> None:
        inner = out.with_suffix(f".inner{out.suffix}")
        ffmpeg("-i", good.short, *coding, inner)
        ffmpeg(*tag, "-i", inner, "-c", "copy", out)
        inner.unlink()

    return make


def _beside(graph: str) -> Make:
    def make(good: Good, out: Path) -> None:
        ffmpeg("-i", good.short, "-i", good.other, "-filter_complex", graph, "-map", "0:a", *LOSSLESS, out)

    return make
