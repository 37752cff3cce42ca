"""How well does the sync network find offsets, and tell right sound from foreign, on speakers that it has not seen?

    python benchmarks/sync.py SHARDS WORK      # half an hour on one core; writes docs/benchmarks/sync.md

SHARDS are the 278 clips of manifests/grid-sync.csv. Three networks are trained, each without two speakers more than
the test speakers, and a fourth as a control on shards in which every clip bears another clip's sound. WORK keeps their
runs: what is there is not trained again.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from page import machine, publish
from scipy.stats import rankdata

import lipdata
import lipmodel
from lipdata.analysis.av_delay import mean_motion, mel_change
from lipdata.corpus import read_manifest, write_manifest
from lipdata.shards import Clip, ShardFolder, write_shard
from lipmodel.config import Steps
from lipmodel.evaluation import markdown_table
from lipmodel.networks import coarse_flow, normalised_lips
from lipmodel.sync import SHIFTS, Curve, ForeignPairs, SyncNetwork, curve_of, foreign_pairs, measured
from lipmodel.sync.foreign import scaled_margin
from lipmodel.training import load_sync_run

MANIFEST = Path("manifests/grid-sync.csv")
FOLDS = (("s2", "s5"), ("s3", "s26"), ("s32",))
TEST = ("s31", "s20", "s22", "s23")
LENGTHS = {".64 s": 16, "1 s": 25, "1.5 s": 38, "2 s": 50, "clip": None}
SHOWN = (".64 s", "1 s", "2 s", "clip")
SEEDS, RESAMPLES = (0, 1), 500
FARTHEST, FOREIGN, SILENCE_DB = 8, 4, -100.0

# A clip and a part of its frames -> the curve of that part's motion over the sound of another clip (or its own),
# its first frame lying at a place in that sound.
Method = Callable[[Clip, slice, Clip, int], Curve]

TEXT = """# Does the sound fit the picture

Written by `python benchmarks/sync.py SHARDS WORK` on {clips} clips of {speakers} speakers ({listed}). Each is judged by
a network that has seen neither it nor any other clip of its speaker: {folds}.
All are trained by `lipmodel fit SHARDS --variant sync`, {steps} steps, {seconds:.0f} s each on {cores}.

{machine}

A window sees its own frames of picture; sound has its context. For hit and error each window's sound is moved by -8 to
8 frames, drawn at random. hit: the best shift is within 1 frame of that. error: mean |estimated - true|, frames. AUC,
EER: the clips' own sound as it lies against foreign sound, {foreign} a window, by what confidence_sd is made from, the
shift not known. The share of the halves was chosen on these clips, which flatters "both" a little. Four figures:
windows of .64 s, 1 s, 2 s, and whole clips.

{methods}

Whole clips by speaker, both halves:

{by_speaker}

## Trained again

The network that ships, trained twice on split train of {manifest} with seeds 0 and 1, on the {n_test} clips of the test
speakers; 95 % intervals by bootstrap over clips.

{again}

## What confidence_sd means

Pieces of clips, picture and sound cut to the same length, as clips of that length would be; foreign pairs of the same
set and length. The sound of every second right pair is moved by -8 to 8 frames, drawn at random; where the clip has no
more sound there is silence. wrong: those whose offset is off by more than a frame.

{calibration}

A clip is taken to be *off* where confidence_sd is 2 or more and the offset beyond 1 frame, to be *foreign* where
confidence_sd is below 1. Precision is worked out for folders in which one clip of ten is off (by 2 to 8 frames), or
foreign. Between 1 and 2 nothing is claimed.

{decisions}

## What it costs

{cost}
"""


def with_split(rows: Sequence[lipdata.corpus.ManifestRow], left_out: Sequence[str]) -> list[lipdata.corpus.ManifestRow]:
    return [replace(row, split="" if row.speaker in left_out else row.split) for row in rows]


def train(shards: Path, manifest: Path, run: Path, seed: int = 0) -> float:
    """Train, unless it is done; the seconds that it took."""
    timed = run / "seconds.json"
    if not timed.exists():
        began = time.perf_counter()
        lipmodel.fit(shards, run, variant="sync", preset="tiny", manifest=manifest, seed=seed)
        timed.write_text(json.dumps(time.perf_counter() - began))
    return float(json.loads(timed.read_text()))


def with_foreign_sound(shards: ShardFolder, out: Path) -> None:
    """A copy of the shards in which every clip bears the sound of the one before it, of the same speaker or not."""
    if (out / "done").exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    before: Clip = shards[list(shards)[-1]]
    for shard in shards.shards:
        clips = []
        for place in shard.clips:
            clip = shard.clip(place.clip_id)
            mel = np.resize(before.mel, (len(clip), *clip.mel.shape[1:]))
            clips.append(replace(clip, features=dict(clip.features) | {"mel": mel}))
            before = clip
        names = ("pipeline", "pipeline_digest", "fps", "sample_rate")
        write_shard(out / shard.path.name, clips, {name: shard.attributes[name] for name in names})
    (out / "done").touch()


def network_method(network: SyncNetwork) -> Method:
    """Both halves of a network, as `lipmodel sync` asks them."""
    sounds: dict[str, np.ndarray] = {}

    def curve(clip: Clip, part: slice, other: Clip, first: int) -> Curve:
        if other.clip_id not in sounds:
            sounds[other.clip_id] = network.embed_sound(other.mel)
        motion = network.embed_motion(clip.flow[part], clip.landmarks[part], clip.box[part])
        return curve_of(motion, sounds[other.clip_id], first)

    return curve


def half_method(network: SyncNetwork, half: str) -> Method:
    """One half alone."""
    pair, sounds = network.pairs[half], {}

    def curve(clip: Clip, part: slice, other: Clip, first: int) -> Curve:
        if other.clip_id not in sounds:
            sounds[other.clip_id] = pair.sound(torch.from_numpy(np.array(other.mel))[None])[0].numpy()
        flow, marks, box = (
            torch.from_numpy(np.array(array[part]))[None] for array in (clip.flow, clip.landmarks, clip.box)
        )
        seen = coarse_flow(flow[:, :-1]) if half == "flow" else normalised_lips(marks, box)
        return curve_of(pair.motion(seen)[0].numpy(), sounds[other.clip_id], first)

    return curve


def series_method(seen: Callable[[Clip], np.ndarray], heard: Callable[[Clip], np.ndarray]) -> Method:
    """The correlation of one number a frame with another."""

    def curve(clip: Clip, part: slice, other: Clip, first: int) -> Curve:
        motion, sound = seen(clip)[part.start : part.stop - 1], heard(other)
        cosines = np.full(len(SHIFTS), np.nan)
        for at, shift in enumerate(SHIFTS):  # a constant correlates with nothing
            begin, end = max(0, -first - shift), min(len(motion), len(sound) - first - shift)
            if 2 * (end - begin) >= len(motion):
                with np.errstate(invalid="ignore", divide="ignore"):
                    both = np.corrcoef(motion[begin:end], sound[first + shift + begin : first + shift + end])
                cosines[at] = both[0, 1]
        return Curve(np.nan_to_num(cosines, nan=-1.0), len(motion))

    return curve


def opening_change(clip: Clip) -> np.ndarray:
    """Of the inner lips, points 62 and 66, in widths of the mouth."""
    lips = np.linalg.norm(clip.landmarks[:, 14] - clip.landmarks[:, 18], axis=-1)
    width = np.linalg.norm(clip.landmarks[:, 0] - clip.landmarks[:, 6], axis=-1).mean()
    return np.diff(lips / width)


def level_change(clip: Clip) -> np.ndarray:
    return np.diff(clip.mel.mean((1, 2)))


def parts(clip: Clip, length: int | None) -> Iterator[slice]:
    frames = length or len(clip)
    for start in range(0, len(clip) - frames + 1, max(1, frames // 2)):
        yield slice(start, start + frames)


def study(clips: Sequence[Clip], method: Method, length: int | None) -> list[dict[str, object]]:
    """One row a window: its speaker, hit, error, own margin, and the margins with foreign sound."""
    random, rows = np.random.default_rng(0), []
    for clip in clips:
        for part in parts(clip, length):
            moved = int(random.integers(-FARTHEST, FARTHEST + 1))
            curve = method(clip, part, clip, part.start - moved)
            own = method(clip, part, clip, part.start)
            others = [
                other for other in random.choice(len(clips), FOREIGN + 1, replace=False) if clips[other] is not clip
            ]
            strange = [scaled_margin(method(clip, part, clips[other], part.start)) for other in others[:FOREIGN]]
            off = abs(curve.offset_frames - moved)
            hit = abs(SHIFTS[curve.best] - moved) <= 1
            rows.append(
                {"speaker": clip.speaker, "hit": hit, "off": off, "own": scaled_margin(own), "foreign": strange}
            )
    return rows


def auc(own: np.ndarray, foreign: np.ndarray) -> float:
    ranks = rankdata(np.concatenate([own, foreign]))
    return float((ranks[: len(own)].sum() - len(own) * (len(own) + 1) / 2) / len(own) / len(foreign))


def equal_error(own: np.ndarray, foreign: np.ndarray) -> float:
    lines = np.sort(np.concatenate([own, foreign]))
    missed = np.searchsorted(np.sort(own), lines) / len(own)
    passed = 1 - np.searchsorted(np.sort(foreign), lines) / len(foreign)
    return float(np.maximum(missed, passed).min())


def figures(rows: Sequence[dict[str, object]]) -> tuple[float, float, float, float]:
    own = np.array([row["own"] for row in rows])
    foreign = np.concatenate([row["foreign"] for row in rows])
    return (
        float(np.mean([row["hit"] for row in rows])),
        float(np.mean([row["off"] for row in rows])),
        auc(own, foreign),
        equal_error(own, foreign),
    )


def by_clip(clips: Sequence[Clip], method: Method, length: int | None) -> list[list[dict[str, object]]]:
    """The rows of ``study``, clip by clip."""
    rows, at = study(clips, method, length), 0
    grouped = []
    for clip in clips:
        count = len(list(parts(clip, length)))
        grouped.append(rows[at : at + count])
        at += count
    return grouped


def again_table(networks: Sequence[SyncNetwork], clips: Sequence[Clip]) -> str:
    """Hit, error and AUC of networks of several seeds, with intervals."""
    lines = []
    for name in ("1 s", "2 s", "clip"):
        for seed, network in enumerate(networks):
            grouped = by_clip(clips, network_method(network), LENGTHS[name])
            random = np.random.default_rng(2)
            drawn = [
                figures([row for at in random.integers(len(grouped), size=len(grouped)) for row in grouped[at]])
                for _ in range(RESAMPLES)
            ]
            low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
            values = figures([row for rows in grouped for row in rows])
            cells = [f"{value:.2f} [{a:.2f}, {b:.2f}]" for value, a, b in zip(values, low, high, strict=True)]
            lines.append([f"{name}, seed {seed}", *cells[:3]])
    return markdown_table(["windows", "hit", "error", "AUC"], lines)


def cut(clip: Clip, length: int) -> Clip:
    """The middle of a clip, picture and sound."""
    start = (len(clip) - length) // 2
    return moved_cut(clip, start, length, 0)


def moved_cut(clip: Clip, start: int, length: int, late: int) -> Clip:
    """A piece of a clip whose sound is ``late`` frames late."""
    own = slice(start, start + length)
    silence = np.full((FARTHEST, *clip.mel.shape[1:]), SILENCE_DB, np.float32)
    longer = np.concatenate([silence, clip.mel, silence])
    features = {"flow": clip.flow[own], "mel": longer[start - late + FARTHEST :][:length]}
    return replace(
        clip,
        frames=clip.frames[own],
        landmarks=clip.landmarks[own],
        box=clip.box[own],
        tracked=clip.tracked[own],
        features=features,
    )


def calibrate(groups: Sequence[tuple[SyncNetwork, Sequence[Clip]]], length: int) -> dict[str, np.ndarray]:
    """Pieces of one length: confidence_sd of right and of foreign pairs, and by how much right ones are off."""
    random = np.random.default_rng(1)
    own, off, beyond, foreign = [], [], [], []
    for network, clips in groups:
        long_enough = [clip for clip in clips if len(clip) >= length]
        embedded = {clip.clip_id: network.embed(cut(clip, length)) for clip in long_enough}
        pairs = foreign_pairs(
            {clip_id: each.motion for clip_id, each in embedded.items()},
            {clip_id: each.sound for clip_id, each in embedded.items()},
            "",
        )
        for clip in long_enough:
            # Every second one lies as it is.
            late = int(random.integers(-FARTHEST, FARTHEST + 1)) if random.random() < 0.5 else 0
            curve = measured(network.embed(moved_cut(clip, (len(clip) - length) // 2, length, late))).whole
            own.append(pairs.deviations(curve))
            off.append(abs(curve.offset_frames - late))
            beyond.append((late, curve.offset_frames))
        foreign += strangers(embedded, pairs)
    return {"own": np.array(own), "off": np.array(off), "offsets": np.array(beyond), "foreign": np.array(foreign)}


def strangers(embedded: dict[str, object], pairs: ForeignPairs) -> list[float]:
    return [
        pairs.deviations(curve_of(one.motion[:n], other.sound[:n]))
        for name, one in embedded.items()
        for stranger, other in embedded.items()
        if name != stranger
        for n in [min(len(one.motion), len(other.sound))]
    ]


def precision(recall: float, false_alarms: float, share: float = 0.1) -> float:
    found, wrong = share * recall, (1 - share) * false_alarms
    return found / (found + wrong) if found + wrong else float("nan")


def calibration_tables(groups: Sequence[tuple[SyncNetwork, Sequence[Clip]]]) -> tuple[str, str]:
    rows, decisions = [], []
    for name, length in (("1 s", 25), ("1.5 s", 38), ("2 s", 50), ("2.4 s", 60), ("3 s", 75)):
        found = calibrate(groups, length)
        own, off, foreign, (late, said) = found["own"], found["off"], found["foreign"], found["offsets"].T
        row = [name, f"{len(own)}, {len(foreign)}", f"{(off > 1).mean():.1%}", f"{np.median(own):.1f}"]
        for line in (1, 2, 3):
            sure = own >= line
            wrong = (off[sure] > 1).mean() if sure.any() else float("nan")
            row.append(f"{sure.mean():.0%}, {(foreign >= line).mean():.1%}, {wrong:.1%}")
        rows.append(row)
        flagged, is_off, in_step = (own >= 2) & (np.abs(said) > 1), np.abs(late) >= 2, late == 0
        hit = flagged[is_off].mean() if is_off.any() else float("nan")
        alarm = flagged[in_step].mean() if in_step.any() else float("nan")
        missed, found_foreign = (own < 1).mean(), (foreign < 1).mean()
        decisions.append(
            [
                name,
                *(f"{value:.0%}" if value == value else "" for value in (hit, alarm, precision(hit, alarm))),
                *(f"{value:.0%}" for value in (found_foreign, missed, precision(found_foreign, missed))),
            ]
        )
    header = ["length", "right, foreign pairs", "wrong", "median sd of right"]
    header += [f"from {line} sd: right, foreign, wrong of these" for line in (1, 2, 3)]
    titles = ["length", "off: recall", "false alarms", "precision", "foreign: recall", "false alarms", "precision"]
    return markdown_table(header, rows), markdown_table(titles, decisions)


def cost_table(network: SyncNetwork, shards: ShardFolder) -> str:
    """Milliseconds a clip of 3 s in one thread; the best of three rounds over 60 clips."""
    ids = [clip_id for clip_id in shards if len(shards[clip_id]) == 75][:60]
    best = dict.fromkeys(("reading", "vectors", "curves", "foreign pair"), np.inf)
    for _ in range(3):
        began = time.perf_counter()
        clips = [shards[clip_id] for clip_id in ids]
        total = sum(int(clip.flow.view(np.uint16)[::8].sum()) for clip in clips)  # reads every page
        read = time.perf_counter()
        embedded = [network.embed(clip) for clip in clips]
        made = time.perf_counter()
        for each in embedded:
            measured(each)
        curves = time.perf_counter()
        for one, other in zip(embedded, embedded[1:], strict=False):
            curve_of(one.motion, other.sound)
        pairs = time.perf_counter()
        spans = (read - began, made - read, curves - made, pairs - curves)
        for name, span in zip(best, spans, strict=True):
            best[name] = min(best[name], 1000 * span / len(ids))
    assert total
    rows = [[name, f"{value:.2f}"] for name, value in best.items()]
    return markdown_table(["ms a clip of 3 s, one thread", "best of 3"], rows)


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path, exists=True))
@click.argument("work", type=click.Path(path_type=Path))
def main(shards: Path, work: Path) -> None:
    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    folder, rows = lipdata.open(shards), read_manifest(MANIFEST)
    networks, seconds = [], []
    for left_out in FOLDS:
        name = "-".join(left_out)
        write_manifest(work / f"{name}.csv", with_split(rows, left_out))
        seconds.append(train(shards, work / f"{name}.csv", work / f"without-{name}"))
        networks.append(load_sync_run(work / f"without-{name}"))
    with_foreign_sound(folder, work / "foreign-sound")
    train(work / "foreign-sound", work / "s2-s5.csv", work / "control")
    control = load_sync_run(work / "control")

    for seed in SEEDS:
        train(shards, MANIFEST, work / f"seed-{seed}", seed)

    by_speaker: dict[str, list[Clip]] = {}
    for clip_id in folder:
        by_speaker.setdefault(clip_id.split("/")[0], []).append(folder[clip_id])
    test = [clip for speaker in TEST for clip in by_speaker[speaker]]
    # The test speakers are shared out, so that every clip counts once.
    groups = [
        (network, [clip for speaker in left_out for clip in by_speaker[speaker]] + test[at :: len(FOLDS)])
        for at, (network, left_out) in enumerate(zip(networks, FOLDS, strict=True))
    ]
    with torch.inference_mode():
        methods = {
            "`lipdata delay`: flow x mel change": [series_method(motion_of, sound_of)] * len(groups),
            "change of opening x change of level": [series_method(opening_change, level_change)] * len(groups),
            "lips": [half_method(network, "lips") for network in networks],
            "flow": [half_method(network, "flow") for network in networks],
            "both": [network_method(network) for network in networks],
            "control, trained on foreign sound": [network_method(control)],
        }
        table, whole = [], []
        for name, each in methods.items():
            found = {
                length: [
                    row
                    for method, (_, clips) in zip(each, groups, strict=False)
                    for row in study(clips, method, LENGTHS[length])
                ]
                for length in SHOWN
            }
            values = np.array([figures(found[length]) for length in SHOWN]).T  # hit, error, AUC, EER
            table.append([name, *(" ".join(f"{value:.2f}" for value in row) for row in values)])
            print(table[-1], flush=True)
            whole = found["clip"] if name == "both" else whole
        speakers = []
        for speaker in sorted({str(row["speaker"]) for row in whole}):
            some = [row for row in whole if row["speaker"] == speaker]
            hit, off, area, _ = figures(some)
            speakers.append([speaker, str(len(some)), f"{hit:.2f}", f"{off:.2f}", f"{area:.3f}"])
        calibration, decisions = calibration_tables(groups)
        again = again_table([load_sync_run(work / f"seed-{seed}") for seed in SEEDS], test)
        cost = cost_table(networks[0], folder)
    judged = [clip for _, clips in groups for clip in clips]
    publish(
        "sync",
        TEXT.format(
            clips=len(judged),
            speakers=len({clip.speaker for clip in judged}),
            listed=", ".join(sorted({clip.speaker for clip in judged})),
            folds="; ".join("without " + " and ".join(left_out) for left_out in FOLDS)
            + "; all without the test speakers",
            steps=Steps.sync,
            seconds=np.mean(seconds),
            cores="one core, beside other work",
            machine=machine(),
            foreign=FOREIGN,
            methods=markdown_table(["method", "hit", "error", "AUC", "EER"], table),
            by_speaker=markdown_table(["speaker", "clips", "hit", "error", "AUC"], speakers),
            manifest=MANIFEST,
            n_test=len(test),
            again=again,
            calibration=calibration,
            decisions=decisions,
            cost=cost,
        ),
    )


def motion_of(clip: Clip) -> np.ndarray:
    return mean_motion(clip.flow)


def sound_of(clip: Clip) -> np.ndarray:
    return mel_change(clip.mel)


if __name__ == "__main__":
    main()
