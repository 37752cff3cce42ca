"""Other sample rates, channels and codecs; sound that begins before or after the picture."""

from collections.abc import Iterator
from pathlib import Path

from tests.lipdata.hostile import judge
from tests.lipdata.hostile.case import BEGIN_S, H264, LENGTH_S, LOSSLESS, MP4, Case, Good, Make, coded, ffmpeg

# The voice in one loudspeaker, or in two alike.
SPREAD = {"mono": "anull", "stereo": "pan=stereo|c0=c0|c1=c0"}
SPREAD |= {layout: f"pan={layout}|FL=c0|FR=c0" for layout in ("2.1", "3.0", "4.0", "5.0", "5.1", "7.1")}
CODECS = ("aac", "libmp3lame", "mp2", "libopus", "libvorbis", "ac3", "flac", "alac", "pcm_u8", "pcm_alaw", "pcm_f64le")


def sounds() -> Iterator[Case]:
    same = judge.every(judge.as_long(), judge.mouths_at(0.1), judge.crops_like(0.1))
    for rate in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000):
        right = judge.every(same, judge.sound_like(2, rate / 2))
        yield Case("8 to 96 kHz", f"rate{rate}.mkv", coded("-ar", rate, *LOSSLESS), right)
    for layout, spread in SPREAD.items():
        # Where other loudspeakers are silent the mean of all is softer, and has the same spectrum.
        right = judge.every(same, judge.sound_like(2, level=layout in ("mono", "stereo")))
        made = coded("-ac", 1, "-af", f"aformat=channel_layouts=mono,{spread}", *LOSSLESS)
        yield Case("mono to 7.1", f"{layout.replace('.', '-')}.mkv", made, right)
    heard = judge.every(judge.as_long(1), judge.mouths_at(0.1), judge.sound_like(4, 12000))
    for codec in CODECS:
        rate = ("-ar", 48000) if codec == "libopus" else ()
        yield Case("sound codecs", f"{codec}.mkv", coded("-c:v", "ffv1", "-b:a", "160k", "-c:a", codec, *rate), heard)


def late_sound() -> Iterator[Case]:
    """Sound that begins before or after the picture, with time stamps that say so."""
    right = judge.every(judge.as_long(1), judge.mouths_at(2), judge.pictures_on_time(), judge.sound_like(2))
    for late_s in (-0.5, -0.37, -0.2, 0.2, 0.37, 0.5):
        for suffix, coding in (("mkv", LOSSLESS), ("mp4", MP4), ("mov", (*H264, "-c:a", "pcm_s16le")), ("ts", MP4)):
            yield Case("sound shifted by metadata", f"sound{late_s:+}.{suffix}", _offset(late_s, coding), right)


def _offset(late_s: float, coding: tuple[str, ...]) -> Make:
    def make(good: Good, out: Path) -> None:
        heard = out.with_suffix(".heard.wav")
        # -ss behind -i: before it, it is inexact in MPEG-1.
        ffmpeg("-i", good.whole, "-ss", round(BEGIN_S + late_s, 2), "-t", round(LENGTH_S - late_s, 2), "-vn", heard)
        sound = ("-itsoffset", late_s, "-i", heard)
        ffmpeg("-i", good.short, *sound, "-map", "0:v", "-map", "1:a", *coding, out)
        heard.unlink()

    return make
