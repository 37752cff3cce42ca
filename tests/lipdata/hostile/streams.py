"""No sound, no picture, several of them."""

from collections.abc import Iterator
from pathlib import Path

from tests.lipdata.hostile import judge
from tests.lipdata.hostile.case import H264, LENGTH_S, LOSSLESS, MP4, MPEG, Case, Good, Make, coded, ffmpeg, still


def lacks_a_stream() -> Iterator[Case]:
    for name, options in (("mute.mpg", MPEG), ("mute.mp4", H264), ("mute.mkv", ("-c:v", "ffv1")), ("mute.avi", MPEG)):
        yield Case("no sound", name, coded(*options, "-an"), None, "media: no sound in it")
    empty = coded("-af", "atrim=end=0", *LOSSLESS)
    yield Case("no sound", "empty-sound.mkv", empty, None, "media: no sound in it")
    for name, options in (("blind.mp3", ()), ("blind.mp4", ()), ("blind.mpg", ("-c:a", "mp2")), ("blind.ogg", ())):
        yield Case("no picture", name, coded("-vn", *options), None, "media: no picture in it")
    for name, codec in (("cover.mp3", "libmp3lame"), ("cover.m4a", "aac")):
        yield Case("no picture", name, _covered("-vn", "-c:a", codec), None, "media: no picture in it")


def streams() -> Iterator[Case]:
    """Several streams: the first picture that is no cover, and the first sound, are taken."""
    kind, right = "several streams", judge.alike(2, 8)
    small = "[0:v]split[a][b];[b]scale=90:72,hue=s=0[small]"
    two = coded("-filter_complex", small, "-map", "[small]", "-map", "[a]", "-map", "0:a", *LOSSLESS)
    quarter = judge.every(judge.as_long(), judge.mouths_at(2, judge.scaled(0.25, 0.25)))
    yield Case(kind, "small-first.mkv", two, quarter)
    yield Case(kind, "cover.mp4", _covered(*MP4), right)
    silence = ("-f", "lavfi", "-t", LENGTH_S, "-i", "anullsrc=r=44100:cl=stereo")
    for suffix, coding in (("mkv", LOSSLESS), ("mp4", MP4), ("ts", MP4)):
        made = coded(*silence, "-map", "0:v", "-map", "0:a", "-map", "1:a", *coding)
        yield Case(kind, f"two-sounds.{suffix}", made, right)
    yield Case(kind, "subtitles.mkv", _subtitled, right)


def _covered(*options: str) -> Make:
    """With a cover picture before everything else."""

    def make(good: Good, out: Path) -> None:
        cover, inner = out.with_suffix(".cover.jpg"), out.with_suffix(f".inner{out.suffix}")
        cover.write_bytes(still(".jpg"))
        ffmpeg("-i", good.short, *options, inner)
        ffmpeg("-i", inner, "-i", cover, "-map", 1, "-map", 0, "-c", "copy", "-disposition:v:0", "attached_pic", out)
        inner.unlink()
        cover.unlink()

    return make


def _subtitled(good: Good, out: Path) -> None:
    words = out.with_suffix(".words.srt")
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nbin blue at f two now\n")
    ffmpeg("-i", words, "-i", good.short, *LOSSLESS, out)
    words.unlink()
