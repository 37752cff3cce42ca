"""What does the sync network say where little or nothing is right: silence, music, a covered mouth, another's speech?

    nice python -m benchmarks.sync_hostile GRID   # half an hour on one core

Writes docs/benchmarks/sync_hostile.md. Fifty real clips are spoilt in one way each time. What changes the picture is
encoded without loss and read back as a media file; what changes the sound alone is put beside the untouched picture.
"""

import hashlib
import re
import subprocess
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import cv2
import numpy as np
import torch

from benchmarks import sync_sounds as sounds
from benchmarks.page import publish
from lipdata import Clip, ClipError, load_clip
from lipdata.config import load_pipeline
from lipdata.corpus import ManifestRow, read_manifest, write_manifest
from lipdata.face import DLIB, open_detector
from lipdata.features import log_mel
from lipdata.media import decode_clip, ffmpeg_binary
from lipdata.shards import BEYOND_FRAMES, CONFIDENT_SD, OK, LedgerEntry, write_ledger, write_shard
from lipmodel.evaluation.markdown import markdown_table
from lipmodel.sync import FolderSync, Sync, sync_folder, sync_offset

# How many clips are taken of each speaker: all of those the network has seen nothing of, and others up to fifty.
SPEAKERS = {"s20": 1, "s22": 1, "s23": 2, "s31": 20, "s2": 13, "s5": 13}
MANIFEST = Path("manifests/grid-sync.csv")
FPS = 25
# Every frame as it is: what is asked about is not the codec.
LOSSLESS = ("-c:v", "ffv1", "-c:a", "pcm_s16le")
TELEPHONE = ("-af", "highpass=f=300,lowpass=f=3400", "-ar", "8000", "-c:v", "ffv1", "-c:a", "pcm_mulaw")
GREY, SKIN = (128, 128, 128), (178, 128, 108)


@dataclass(frozen=True)
class Source:
    """A real clip: its file, and what ingest makes of it."""

    path: Path
    clip: Clip
    sound: np.ndarray

    @property
    def clip_id(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def frames(self) -> np.ndarray:
        """Whole pictures, RGB [shape=(T, H, W, 3)]."""
        return decode_clip(self.path, fps=FPS, sample_rate_hz=sounds.RATE_HZ).frames


@dataclass(frozen=True)
class Scene:
    """What a spoilt clip is made from: a clip, one of another speaker, random numbers of its own, a folder."""

    own: Source
    other: Source
    rng: np.random.Generator
    folder: Path


Make = Callable[[Scene], Clip]


@dataclass(frozen=True)
class Kind:
    """One way to spoil a clip.

    Attributes:
        right: offsets that are right, frames; none where nothing is.
    """

    name: str
    make: Make
    right: tuple[float, ...] = ()


def heard(change: Callable[[Scene], np.ndarray]) -> Make:
    """Other sound beside the untouched picture."""

    def make(scene: Scene) -> Clip:
        clip = scene.own.clip
        mel = log_mel(change(scene), len(clip), load_pipeline("grid").mel, clip.fps)
        return replace(clip, features={**clip.features, "mel": mel})

    return make


def noise(kind: Callable[[int, np.random.Generator], np.ndarray]) -> Make:
    """Sound that no mouth made beside the untouched picture."""
    return heard(lambda scene: kind(len(scene.own.sound), scene.rng))


def seen(
    change: Callable[[Scene], np.ndarray] = lambda scene: scene.own.frames,
    *,
    n_frames: int | None = None,
    fps: float = FPS,
    options: Sequence[str] = LOSSLESS,
) -> Make:
    """Another picture with the untouched sound, as a media file."""

    def make(scene: Scene) -> Clip:
        frames = change(scene)[:n_frames]
        return load_clip(encoded(scene.folder / "clip.mkv", frames, scene.own.sound, fps, options))

    return make


def encoded(path: Path, frames: np.ndarray, sound: np.ndarray, fps: float, options: Sequence[str]) -> Path:
    """A media file of these frames, and of the sound as far as they go."""
    raw = path.with_suffix(".pcm")
    raw.write_bytes(sound[: round(len(frames) * sounds.RATE_HZ / fps)].tobytes())
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    picture = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(fps), "-i", "-"]
    samples = ["-f", "f32le", "-ar", str(sounds.RATE_HZ), "-ac", "1", "-i", str(raw)]
    command = [ffmpeg_binary(), "-v", "error", "-y", *picture, *samples, *options, str(path)]
    subprocess.run(command, input=np.ascontiguousarray(frames).tobytes(), check=True)
    return path


def half_rate(scene: Scene) -> np.ndarray:
    """Every second frame."""
    return scene.own.frames[::2]


def still(scene: Scene) -> np.ndarray:
    """The frame in the middle, again and again."""
    frames = scene.own.frames
    return np.repeat(frames[len(frames) // 2][None], len(frames), 0)


def filmed_still(scene: Scene) -> np.ndarray:
    """The same, with the noise of a camera."""
    frames = still(scene)
    grain = scene.rng.standard_normal(frames.shape, np.float32) * 4
    return np.clip(frames + grain, 0, 255).astype(np.uint8)


def swaying_still(scene: Scene) -> np.ndarray:
    """The same, held before a camera by a hand that sways and turns it."""
    frames = still(scene)
    height, width = frames.shape[1:3]
    steps = np.cumsum(scene.rng.standard_normal((len(frames), 3)), 0) * (0.5, 0.5, 0.3)
    moves = [cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0) for *_, turn in steps]
    for move, (right, down, _) in zip(moves, steps, strict=True):
        move[:, 2] += right, down
    return np.stack([
        cv2.warpAffine(frame, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
        for frame, move in zip(frames, moves, strict=True)
    ])  # fmt: skip


def covered(scene: Scene, colour: Sequence[int], *, oval: bool) -> np.ndarray:
    """Something before the mouth that moves with the head."""
    frames = scene.own.frames.copy()
    for frame, box in zip(frames, scene.own.clip.box, strict=True):
        x0, y0, x1, y1 = (int(round(float(edge))) for edge in box)
        if oval:
            centre, axes = ((x0 + x1) // 2, (y0 + y1) // 2), (int(0.6 * (x1 - x0)), int(0.5 * (y1 - y0)))
            cv2.ellipse(frame, centre, axes, 15, 0, 360, tuple(colour), -1)
        else:
            cv2.rectangle(frame, (x0, y0), (x1, y1), tuple(colour), -1)
    return frames


def cut_to_other(scene: Scene) -> np.ndarray:
    """The first half of one picture, the second half of another's."""
    own, other = scene.own.frames, scene.other.frames
    return np.concatenate([own[: len(own) // 2], other[len(own) // 2 : len(own)]])


def with_gaps(lost: int, every: int) -> Make:
    """Landmarks measured in other frames alone: of ``every`` frames the last ``lost`` are interpolated."""

    def make(scene: Scene) -> Clip:
        detector = open_detector(DLIB)
        points = detector.track("", scene.own.frames, load_pipeline("grid").lips).points.copy()
        points[np.arange(len(points)) % every >= every - lost] = np.nan
        np.save(scene.folder / f"{scene.own.path.stem}.npy", points)
        return load_clip(scene.own.path, landmarks=scene.folder)

    return make


def second_half(change: Callable[[Scene], np.ndarray]) -> Make:
    """Other sound from the middle of the clip on."""
    return heard(lambda scene: sounds.halves(scene.own.sound, change(scene)))


def other_speech(scene: Scene) -> np.ndarray:
    return scene.other.sound


KINDS = (
    Kind("untouched", lambda scene: scene.own.clip, (0,)),
    Kind("untouched, encoded anew", seen(), (0,)),
    Kind("mirrored", seen(lambda scene: scene.own.frames[:, :, ::-1]), (0,)),
    Kind("12.5 fps", seen(half_rate, fps=FPS / 2), (0,)),
    Kind("telephone band, 8 kHz", seen(options=TELEPHONE), (0,)),
    Kind("clipped, +30 dB", heard(lambda scene: np.clip(scene.own.sound * 10**1.5, -1, 1)), (0,)),
    Kind("late by 12 frames", heard(lambda scene: sounds.late(scene.own.sound, 12 / FPS)), (12,)),
    Kind("late by 20 frames", heard(lambda scene: sounds.late(scene.own.sound, 20 / FPS))),
    Kind("10 frames", seen(n_frames=10), (0,)),
    Kind("16 frames", seen(n_frames=16), (0,)),
    Kind("24 frames", seen(n_frames=24), (0,)),
    Kind("30 frames", seen(n_frames=30), (0,)),
    Kind("second voice, -6 dB", heard(lambda scene: sounds.mixed(scene.own.sound, scene.other.sound, 6)), (0,)),
    Kind("second voice, 0 dB", heard(lambda scene: sounds.mixed(scene.own.sound, scene.other.sound, 0)), (0,)),
    Kind(
        "music beside it, 0 dB",
        heard(lambda scene: sounds.mixed(scene.own.sound, sounds.music(len(scene.own.sound), scene.rng), 0)),
        (0,),
    ),
    Kind("one word, 0.4 s", heard(lambda scene: sounds.one_word(scene.own.sound)), (0,)),
    Kind("second half another's sound", second_half(other_speech), (0,)),
    Kind("second half late by 8", second_half(lambda scene: sounds.late(scene.own.sound, 8 / FPS)), (0, 8)),
    Kind("cut to another clip", seen(cut_to_other), (0,)),
    Kind("landmarks interpolated, 20 %", with_gaps(1, 5), (0,)),
    Kind("landmarks interpolated, 60 %", with_gaps(3, 5), (0,)),
    Kind("grey box over the mouth", seen(lambda scene: covered(scene, GREY, oval=False)), (0,)),
    Kind("hand over the mouth", seen(lambda scene: covered(scene, SKIN, oval=True)), (0,)),
    Kind("still picture", seen(still)),
    Kind("still picture, camera noise", seen(filmed_still)),
    Kind("still picture, swaying", seen(swaying_still)),
    Kind("another's speech", heard(other_speech)),
    Kind("eSpeak voice", noise(sounds.synthetic_voice)),
    Kind("sound reversed", heard(lambda scene: scene.own.sound[::-1])),
    Kind("silence", noise(lambda n, rng: np.zeros(n, np.float32))),
    Kind("dither", noise(sounds.dither)),
    Kind("room noise", noise(sounds.room_noise)),
    Kind("white noise", noise(sounds.white_noise)),
    Kind("tone", noise(sounds.tone)),
    Kind("one click", noise(sounds.click)),
    Kind("music", noise(sounds.music)),
)

TEXT = """# Sound and pictures that spoil an offset

{n} clips of GRID ({speakers}), spoilt in one way each time.
Written by `python -m benchmarks.sync_hostile GRID`, where it stands what is done to them. The network has seen nothing
of {unseen}; it has learnt from the others.

{table}

* *no answer*: a reason in place of numbers, or refused by ingest. *beyond*: of the clips with an answer, those whose
  offset is more than {beyond:g} frame from 0.
* *sd*: `confidence_sd`, median, 95 % and most: of each clip alone, by the model card's foreign pairs; then of a folder
  of these clips, as `lipmodel sync SHARDS` does it. *pairs*: whose foreign pairs that folder is held against. Where its
  own vary too little they are not of mouths and speech, and it takes the model card's.
* *sure*: `confidence_sd` of {confident:g} and more. *wrong*: of these, clips for which no offset is right, or whose
  offset is more than {beyond:g} frame from every right one. *windows*: clips in the folder of which `offset_min` or
  `offset_max`, those of the sure windows of 2 s, is so.
* An offset is right where picture and sound were recorded together: also of a covered mouth, whose jaw may be seen,
  and of the half that was kept. None is right of a still picture, of another's speech, and of no speech.
* Of speech that is not the picture's some pass, up to 8 in 100 here: a clip that is sure may be chance where most clips
  of a folder do not fit.
* Not measured: a head that turns away. It cannot be made from a clip in which it does not.

Why there was no answer:

{reasons}
"""


@dataclass(frozen=True)
class Outcome:
    """What was said of the clips of a kind.

    Attributes:
        refused: by ingest, and why.
        alone: each clip by itself.
        folder: the clips as a shard folder; None where ingest takes none.
    """

    kind: Kind
    refused: list[str]
    alone: list[Sync]
    folder: FolderSync | None

    def row(self) -> list[str]:
        """A row of the table."""
        answered = [answer for answer in self.alone if answer.offset_frames is not None]
        together = list(self.folder.answers.values()) if self.folder else []
        beyond = sum(abs(answer.offset_frames) > BEYOND_FRAMES for answer in answered)
        pairs = "" if self.folder is None else "card's" if self.folder.note else "own"
        n_none = len(self.refused) + len(self.alone) - len(answered)
        windows = sum(self._is_wrong(a.offset_min) or self._is_wrong(a.offset_max) for a in together)
        return [
            self.kind.name,
            f"{n_none}",
            f"{beyond}",
            *self._sure(self.alone),
            pairs,
            *self._sure(together),
            f"{windows}",
        ]

    def _sure(self, answers: list[Sync]) -> list[str]:
        """Median, 95 % and most of confidence_sd; how many are sure, and how many of these wrong."""
        sd = [answer.confidence_sd for answer in answers if answer.confidence_sd is not None]
        sure = [answer for answer in answers if (answer.confidence_sd or 0) >= CONFIDENT_SD]
        shown = [f"{value:.1f}" for value in np.percentile(sd, (50, 95, 100))] if sd else [""] * 3
        return [*shown, f"{len(sure)}", f"{sum(self._is_wrong(answer.offset_frames) for answer in sure)}"]

    def _is_wrong(self, offset: float | None) -> bool:
        return offset is not None and all(abs(offset - right) > BEYOND_FRAMES for right in self.kind.right)

    def reasons(self) -> list[tuple[str, str]]:
        """Why clips have no answer, numbers left out, each with how many have it."""
        said = [*self.refused, *(answer.reason for answer in self.alone if answer.reason)]
        counts = Counter(re.sub(r"[+-]?\d[\d.]*", "N", reason) for reason in said)
        return [(reason, f"{self.kind.name} {count}") for reason, count in counts.most_common()]


def outcome(kind: Kind, sources: Sequence[Source], folder: Path) -> Outcome:
    """Spoil every clip in this way, and ask the network."""
    refused, clips = [], []
    for place, own in enumerate(sources):
        other = other_speaker(sources, place)
        rng = np.random.default_rng(zlib.crc32(f"{kind.name} {own.path.stem}".encode()))
        try:
            clip = kind.make(Scene(own, other, rng, folder))
        except ClipError as error:
            refused.append(f"{error.stage}: {error.reason}")
        else:
            clips.append(replace(clip, clip_id=own.clip_id))
    alone = [sync_offset(clip) for clip in clips]
    shards = folder / "shards"
    return Outcome(kind, refused, alone, sync_folder(shard_folder(shards, clips), workers=1) if clips else None)


def other_speaker(sources: Sequence[Source], place: int) -> Source:
    """A clip of somebody else, for every clip another one."""
    turned = [*sources[place + len(sources) // 3 :], *sources[: place + len(sources) // 3]]
    return next(source for source in turned if source.path.parent != sources[place].path.parent)


def shard_folder(path: Path, clips: Sequence[Clip]) -> Path:
    """The clips as ingest writes them, in one shard."""
    path.mkdir()
    pipeline = load_pipeline("grid")
    text = pipeline.to_json()
    digest = hashlib.sha256(text.encode()).hexdigest()
    rates = {"fps": pipeline.video.fps, "sample_rate": pipeline.mel.sample_rate_hz}
    write_shard(path / "grid-00000.h5", clips, {"pipeline": text, "pipeline_digest": digest, **rates})
    starts = np.cumsum([0, *(len(clip) for clip in clips)])
    write_ledger(
        path / "ledger.csv",
        [
            LedgerEntry(clip.clip_id, OK, shard="grid-00000.h5", start=int(start), n_frames=len(clip))
            for clip, start in zip(clips, starts, strict=False)
        ],
    )
    write_manifest(path / "manifest.csv", [ManifestRow(c.clip_id, "", "", f"{c.clip_id}.mpg", c.sha256) for c in clips])
    return path


def sources_of(grid: Path) -> list[Source]:
    """The clips that are spoilt, by speaker."""
    files = [path for name, n in SPEAKERS.items() for path in sorted((grid / name).glob("*.mpg"))[:n]]
    return [
        Source(path, load_clip(path), decode_clip(path, fps=FPS, sample_rate_hz=sounds.RATE_HZ).sound) for path in files
    ]


def page(outcomes: Sequence[Outcome], n_clips: int) -> str:
    """The page, Markdown."""
    of_answers = ["sd 50 %", "95 %", "most", "sure", "wrong"]
    header = ["kind", "no answer", "beyond", *of_answers, "pairs", *of_answers, "windows"]
    reasons: dict[str, list[str]] = {}
    for reason, kind in (pair for each in outcomes for pair in each.reasons()):
        reasons.setdefault(reason, []).append(kind)
    return TEXT.format(
        n=n_clips,
        speakers=", ".join(f"{n} of {name}" for name, n in SPEAKERS.items()),
        unseen=", ".join(
            sorted(SPEAKERS.keys() & {row.speaker for row in read_manifest(MANIFEST) if row.split == "test"})
        ),
        table=markdown_table(header, [each.row() for each in outcomes]),
        beyond=BEYOND_FRAMES,
        confident=CONFIDENT_SD,
        reasons="\n".join(f"* {reason}: {', '.join(kinds)}" for reason, kinds in reasons.items()),
    )


@click.command(help=__doc__)
@click.argument("grid", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(grid: Path) -> None:
    torch.set_num_threads(1)
    sources = sources_of(grid)
    outcomes = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as place:
            outcomes.append(outcome(kind, sources, Path(place)))
        click.echo(" ".join(outcomes[-1].row()), err=True)
    publish("sync_hostile", page(outcomes, len(sources)))


if __name__ == "__main__":
    main()
