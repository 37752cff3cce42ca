"""Files that are not what their names say, no clips at all, or have odd names."""

import io
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.lipdata.hostile import judge
from tests.lipdata.hostile.case import LOSSLESS, MP4, Case, Good, Make, coded, still

NAMES = (
    *(
        " a b .mpg",
        'it\'s "x".mpg',
        "new\nline.mpg",
        "\ttab.mpg",
        "cr\r.mpg",
        "唇😀.mpg",
        "👩\u200d👧.mpg",
        "e\u0301.mpg",
    ),
    *("\u202egpm.mpg", "-i.mpg", "--.mpg", "-", "http:a.mpg", "file:x.mpg", "pipe:0", "concat:a|b.mpg", "%d.mpg"),
    *("%03d.mpg", "a?b=c&d.mpg", "*.mpg", "[0:v].mpg", "a;b,c.mpg", "$HOME.mpg", "`ls`.mpg", ".hidden.mpg", "A.MPG"),
    "x" * 200 + ".mpg",
)


def wrong_container() -> Iterator[Case]:
    kind = "another container than its name says"
    for name in ("whole.mp4", "whole.avi", "whole.txt", "whole.wav", "whole"):
        yield Case(kind, name, _as_it_is, judge.equal, of="whole")
    for container in ("matroska", "nut", "avi"):
        yield Case(kind, f"{container}.mpg", coded(*LOSSLESS, "-f", container), judge.equal)
    right = judge.every(judge.as_long(), judge.mouths_at(2), judge.pictures_on_time(), judge.sound_like(2))
    for container in ("mp4", "mpegts", "mov", "flv"):
        yield Case(kind, f"{container}.mpg", coded(*MP4, "-f", container), right)


def no_clip() -> Iterator[Case]:
    contents: dict[str, Callable[[Good], bytes]] = {
        "empty.mpg": lambda _: b"",
        "one-byte.mpg": lambda _: b"\0",
        "text.mpg": lambda _: b"no film at all\n" * 200,
        "page.mpg": lambda _: b"<!doctype html><title>404 Not Found</title>",
        "picture.png": lambda _: still(".png"),
        "picture.mpg": lambda _: still(".png"),
        "picture.jpg": lambda _: still(".jpg"),
        "photo.mp4": lambda _: still(".jpg"),
        "zip.mpg": lambda good: _zipped(good.short),
        "zip.zip": lambda good: _zipped(good.short),
        "noise.mpg": lambda _: random.Random(1).randbytes(300_000),
        "zeros.mp4": lambda _: bytes(100_000),
        "playlist.m3u8": lambda good: f"#EXTM3U\n#EXTINF:3,\n{good.short.as_uri()}\n#EXT-X-ENDLIST\n".encode(),
        "concat.mpg": lambda good: f"ffconcat version 1.0\nfile '{good.short}'\n".encode(),
        "subtitles.srt": lambda _: b"1\n00:00:00,000 --> 00:00:03,000\nbin blue\n",
    }
    said = "media: (no picture in it|a kind of file that lipdata does not open)"
    for name, content in contents.items():
        yield Case("no clip at all", name, _holding(content), None, said)
    yield Case("no clip at all", "folder.mpg", lambda _, out: out.mkdir(), None, "manifest: .* is not there")


def names() -> Iterator[Case]:
    for name in NAMES:
        yield Case("odd names", name, _as_it_is, judge.equal, of="whole")


def _as_it_is(good: Good, out: Path) -> None:
    shutil.copy(good.whole, out)


def _holding(content: Callable[[Good], bytes]) -> Make:
    return lambda good, out: out.write_bytes(content(good))


def _zipped(path: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.write(path, "clip.mkv")
    return content.getvalue()
