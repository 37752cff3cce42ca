"""Few frames, other and variable frame rates, odd time stamps, changes in the middle."""

import random
from collections.abc import Iterator
from pathlib import Path

from tests.lipdata.hostile import judge
from tests.lipdata.hostile.case import LENGTH_S, LOSSLESS, MP4, MPEG, Case, Good, Make, coded, ffmpeg, number

RATES = ("10", "12", "12.5", "15", "20", "24000/1001", "24", "30000/1001", "30", "48", "50", "60000/1001", "60")


def few_frames() -> Iterator[Case]:
    whole_window = judge.every(judge.mouths_at(0.1), judge.crops_like(3), judge.as_many(16))
    for n in range(1, 17):
        made = coded("-frames:v", n, "-af", f"atrim=end={n / 25}", *LOSSLESS)
        right, failure = (None, f"media: {n} frames; a window needs 16") if n < 16 else (whole_window, "")
        yield Case("1 to 16 frames", f"frames{n}.mkv", made, right, failure)


def frame_rates() -> Iterator[Case]:
    for rate in RATES:
        # Of fewer than 20 pictures a second each is held, until the next is due, for a frame or more.
        slow = number(rate) <= 20
        on_time = judge.every(judge.as_long(1), judge.pictures_on_time(late=int(slow)), judge.mouths_at(4))
        for suffix, coding, db in (("mkv", LOSSLESS, 0.1), ("mp4", MP4, 2)):
            made = coded("-vf", f"fps={rate}", *coding)
            right = judge.every(on_time, judge.sound_like(db))
            yield Case("10 to 60 fps", f"fps{rate.replace('/', '-')}.{suffix}", made, right)


def variable_rates() -> Iterator[Case]:
    right = judge.every(judge.as_long(1), judge.pictures_on_time(), judge.mouths_at(3), judge.sound_like(0.1))
    kind, as_stamped = "variable frame rate", ("-fps_mode", "passthrough", "-enc_time_base", "1/1000", *LOSSLESS)
    for seed in range(6):
        # Every fifth stays: more than five frames in a row held are a failure, rightly.
        dropped = [n for n in random.Random(seed).sample(range(1, 29), 8) if n % 5]
        keep = "*".join(f"not(eq(n\\,{n}))" for n in dropped)
        yield Case(kind, f"dropped{seed}.mkv", coded("-vf", f"select='{keep}'", *as_stamped), right)
    for seed in range(6):
        # Up to 15 ms early or late, as phones have it.
        jitter = f"settb=1/1000,setpts='N*40+15*sin(N*{seed + 1})'"
        yield Case(kind, f"jitter{seed}.mkv", coded("-vf", jitter, *as_stamped), right)
    hole = coded("-vf", "select='not(between(n\\,10\\,18))'", *as_stamped)
    yield Case(kind, "hole.mkv", hole, None, "media: no picture in frames 10 to 18: a hole")


def clocks() -> Iterator[Case]:
    right, kind = judge.alike(2, 8), "odd time stamps"
    for suffix, coding in (("ts", MP4), ("mkv", LOSSLESS)):
        yield Case(kind, f"begins-at-an-hour.{suffix}", coded("-output_ts_offset", 3600, *coding), right)
    # 33 bits of 90 kHz run over after 26.5 hours.
    yield Case(kind, "runs-over.ts", coded("-muxdelay", 0, "-output_ts_offset", 95443.2, *MP4), right)
    # AVI cannot say that pictures come a frame late out of such a decoder: players show them late too.
    late = judge.every(judge.as_long(), judge.mouths_at(2), judge.pictures_on_time())
    yield Case(kind, "b-frames.avi", coded("-c:v", "mpeg4", "-q:v", 2, "-bf", 2, "-c:a", "mp2"), late)
    yield Case(kind, "b-frames.mp4", coded("-c:v", "libx264", "-qp", 12, "-bf", 3, "-c:a", "aac"), right)
    yield Case(kind, "fragments.mp4", coded(*MP4, "-movflags", "frag_keyframe+delay_moov", "-g", 5), right)
    jump = coded("-vf", "setpts=PTS+gte(N\\,15)*36000/TB", "-fps_mode", "vfr", *LOSSLESS)
    yield Case(kind, "jumps.mkv", jump, None, "media: its time stamps reach 3600")
    begins = judge.every(judge.mouths_at(2), judge.pictures_on_time(), judge.sound_like(2))
    for suffix in ("mpg", "ts"):
        yield Case(kind, f"twice.{suffix}", _twice(), begins)


def changes() -> Iterator[Case]:
    """From the middle on another size or sound."""
    said = "media: its picture or sound changes its size or format (at [01]|on the way)"
    for name, second in (("size", ("-vf", "scale=720:288")), ("rate", ("-ar", "48000")), ("mono", ("-ac", "1"))):
        for suffix in ("mpg", "ts"):
            yield Case("changes in the middle", f"{name}.{suffix}", _twice(*second), None, said)


def _twice(*second: str) -> Make:
    """One MPEG after the other, as ``cat`` does it."""

    def make(good: Good, out: Path) -> None:
        ffmpeg("-i", good.short, *MPEG, out)
        first = out.read_bytes()
        ffmpeg("-i", good.short, *MPEG, *second, "-output_ts_offset", LENGTH_S, out)
        out.write_bytes(first + out.read_bytes())

    return make
