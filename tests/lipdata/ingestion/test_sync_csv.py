"""``--sync-csv``: sound that is late or early in its file is moved to its picture, and nothing else changes."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lipdata as api
from lipdata.corpus import ManifestRow, write_manifest
from lipdata.errors import LipdataError
from lipdata.media import ffmpeg_binary
from lipdata.shards import SyncEntry, read_ledger, write_sync
from tests.lipdata.command_line import lipdata, lipdata_here, require_one_line
from tests.lipdata.ingestion.disturb import contents
from tests.lipdata.old_ledger import without_sync_offset
from tests.lipdata.sync_entries import entries_of

# Frames by which the sound of each clip is late; beside it, how sure the table is of it.
LATE = {"s1/early": -3.5, "s1/late": 4.0, "s1/right": 0.0, "s1/unsure": 4.0}


def write_with_sound(source: Path, target: Path, late_s: float) -> None:
    """Copy the pictures, and write the sound that much later, without loss; it goes on after the pictures' end."""
    delay = f"adelay={1000 * late_s}:all=1" if late_s > 0 else f"atrim={-late_s},asetpts=PTS-STARTPTS"
    sound = ("-af", f"aresample=44100,{delay}", "-c:a", "pcm_s16le")
    command = [ffmpeg_binary(), "-v", "error", "-i", source, "-map", "0:v", "-map", "0:a", "-c:v", "copy", *sound]
    subprocess.run([*map(str, command), str(target)], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def corpus(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One GRID clip four times, with sound on time, early and late. Not to be changed."""
    folder = tmp_path_factory.mktemp("corpus")
    for clip_id, late in LATE.items():
        (folder / clip_id).parent.mkdir(exist_ok=True)
        write_with_sound(clips / "s1" / "bbaf2n.mpg", folder / f"{clip_id}.mkv", late / 25)
    return folder


@pytest.fixture(scope="module")
def manifest(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("manifest") / "m.csv"
    write_manifest(path, [ManifestRow(clip_id, "s1", "", f"{clip_id}.mkv") for clip_id in LATE])
    return path


@pytest.fixture(scope="module")
def as_it_lies(corpus: Path, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shards without a table. Not to be changed."""
    out = tmp_path_factory.mktemp("lies") / "shards"
    api.ingest(corpus, out, manifest=manifest, workers=1)
    return out


@pytest.fixture(scope="module")
def table(as_it_lies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table as sync would write it. Not to be changed."""
    path = tmp_path_factory.mktemp("table") / "sync.csv"
    sure = {entry.clip_id: replace(entry, offset_frames=LATE[entry.clip_id]) for entry in entries_of(as_it_lies)}
    sure["s1/unsure"] = replace(sure["s1/unsure"], confidence_sd=1.0)
    write_sync(path, list(sure.values()))
    return path


def only(table: Path, target: Path, *clip_ids: str, **change: object) -> Path:
    """A table of some of the clips, changed."""
    sha256_of = {line.split(",")[0]: line.split(",")[1] for line in table.read_text().splitlines()}
    confident = [SyncEntry(name, sha256_of[name], 25, 75, LATE[name], 0.2, 0.5, 8.0, -0.1, 0.1) for name in clip_ids]
    write_sync(target, [replace(entry, **change) for entry in confident])
    return target


def test_sound_is_moved_where_the_table_is_confident(
    corpus: Path, manifest: Path, table: Path, as_it_lies: Path, tmp_path: Path
) -> None:
    out = tmp_path / "moved"
    ran = lipdata("ingest", corpus, "-o", out, "--manifest", manifest, "--sync-csv", table, "-j", 2)
    assert ran.returncode == 0, ran.stderr
    assert "sound moved in 2 clips by --sync-csv: ledger column sync_offset_s" in ran.stdout.splitlines()
    shards, before = api.open(out), api.open(as_it_lies)
    wanted = before["s1/right"].mel
    # To the last frame: behind the pictures' end there is sound to take. Before the first sample there is none.
    np.testing.assert_allclose(shards["s1/late"].mel, wanted, atol=0.5)
    np.testing.assert_allclose(shards["s1/early"].mel[4:], wanted[4:], atol=0.5)
    assert (shards["s1/early"].mel[:3] < -99.9).all()
    assert np.abs(before["s1/late"].mel - wanted).mean() > 5 and np.abs(before["s1/early"].mel - wanted).mean() > 5
    for clip_id in ("s1/right", "s1/unsure"):
        np.testing.assert_array_equal(shards[clip_id].mel, before[clip_id].mel)
    for clip_id in LATE:
        np.testing.assert_array_equal(shards[clip_id].frames, before[clip_id].frames)
    ledgers = [read_ledger(folder / "ledger.csv").set_index("clip_id") for folder in (out, as_it_lies)]
    moved_s = {"s1/early": -0.14, "s1/late": 0.16, "s1/right": 0.0, "s1/unsure": 0.0}
    assert ledgers[0].sync_offset_s.to_dict() == moved_s and (ledgers[1].sync_offset_s == 0).all()
    assert (ledgers[0].av_offset_s == ledgers[1].av_offset_s).all()
    about, plain = (json.loads((folder / "dataset.json").read_text()) for folder in (out, as_it_lies))
    digest = subprocess.run(["sha256sum", str(table)], capture_output=True, text=True, check=True).stdout.split()[0]
    assert about["sync_csv_sha256"] == about["asked"]["sync_csv"] == digest
    assert set(about) - set(plain) == {"sync_csv_sha256"} and set(plain["asked"]) == {"rows", "pipeline"}
    # Whoever made it: one worker makes the same.
    api.ingest(corpus, tmp_path / "alone", manifest=manifest, sync_csv=table, workers=1)
    assert contents(tmp_path / "alone") == contents(out)


def test_a_part_of_a_clip_and_sound_of_its_own_file(
    clips: Path, corpus: Path, table: Path, as_it_lies: Path, tmp_path: Path
) -> None:
    # In each of the parts there is sound on both sides to be taken.
    mine = Path(shutil.copytree(corpus, tmp_path / "corpus"))
    for name in LATE:
        sound = ("-vn", "-c:a", "copy", mine / f"{name}.wav")
        subprocess.run([ffmpeg_binary(), "-v", "error", "-i", str(mine / f"{name}.mkv"), *map(str, sound)], check=True)
    measured = only(table, tmp_path / "parts.csv", "s1/early", "s1/late", n_frames=37)
    for audio in ("", "{}.wav"):
        rows = [
            ManifestRow(name, "s1", "", f"{name}.mkv", "", "", audio.format(name), 0.52, 2.0)
            for name in ("s1/early", "s1/late", "s1/right")
        ]
        write_manifest(tmp_path / "m.csv", rows)
        out = tmp_path / f"out{len(audio)}"
        shards = api.ingest(mine, out, manifest=tmp_path / "m.csv", sync_csv=measured, workers=1)
        assert {len(clip) for clip in shards.values()} == {37}
        for name in ("s1/early", "s1/late"):
            np.testing.assert_allclose(shards[name].mel, shards["s1/right"].mel, atol=0.5)


def test_a_table_of_moved_shards_counts_from_the_file(
    corpus: Path, manifest: Path, table: Path, tmp_path: Path
) -> None:
    # Measured again after it had been moved by 4 frames, and now found half a frame early.
    again = only(table, tmp_path / "sync.csv", "s1/late", offset_frames=-0.5, moved_s=0.16)
    api.ingest(corpus, tmp_path / "out", manifest=manifest, sync_csv=again, limit=2, workers=1)
    assert read_ledger(tmp_path / "out" / "ledger.csv").sync_offset_s.tolist() == [0.0, 0.14]


def test_a_table_of_another_file_fails_the_clip(
    corpus: Path, manifest: Path, table: Path, as_it_lies: Path, tmp_path: Path
) -> None:
    mine, options = Path(shutil.copytree(corpus, tmp_path / "corpus")), {"manifest": manifest, "workers": 1}
    shutil.copy(mine / "s1" / "right.mkv", mine / "s1" / "late.mkv")
    mended = only(table, tmp_path / "sync.csv", "s1/late", "s1/right")
    shards = api.ingest(mine, tmp_path / "out", sync_csv=mended, **options)
    failed = read_ledger(tmp_path / "out" / "ledger.csv").set_index("clip_id").loc["s1/late"]
    assert (failed.status, failed.stage) == ("failed", "sync") and len(shards) == 3
    assert failed.reason.startswith("its offset was measured in another file")
    # With the file that was measured, the same call makes it.
    shutil.copy(corpus / "s1" / "late.mkv", mine / "s1" / "late.mkv")
    assert len(api.ingest(mine, tmp_path / "out", sync_csv=mended, **options)) == 4


def test_a_table_does_not_move_the_sound_out_of_the_clip(
    corpus: Path, manifest: Path, table: Path, tmp_path: Path
) -> None:
    far = only(table, tmp_path / "far.csv", "s1/late", n_frames=2_000_000_000, offset_frames=1e9)
    api.ingest(corpus, tmp_path / "out", manifest=manifest, sync_csv=far, workers=1)
    failed = read_ledger(tmp_path / "out" / "ledger.csv").set_index("clip_id").loc["s1/late"]
    assert (failed.status, failed.stage, failed.sync_offset_s) == ("failed", "sync", 0.0)
    assert failed.reason.startswith("its offset was measured in 2000000000 frames; it has ")


def test_a_run_does_not_go_on_with_another_table(corpus: Path, manifest: Path, table: Path, tmp_path: Path) -> None:
    options = {"manifest": manifest, "workers": 1, "limit": 1}
    for begun, others in ((table, ("another", None)), (None, (table,))):
        out = tmp_path / f"out-{begun is None}"
        api.ingest(corpus, out, sync_csv=begun, **options)
        before = contents(out)
        for other in others:
            path = only(table, tmp_path / "other.csv", "s1/early") if other == "another" else other
            with pytest.raises(LipdataError, match=r"was begun with.* --sync-csv; give it as it was.*--overwrite"):
                api.ingest(corpus, out, sync_csv=path, **options)
        api.ingest(corpus, out, sync_csv=begun, **options)
        assert contents(out) == before


def test_what_is_no_table_of_the_corpus_is_one_line(corpus: Path, manifest: Path, table: Path, tmp_path: Path) -> None:
    (tmp_path / "text.csv").write_text("no,table\n")
    only(table, tmp_path / "other.csv", "s1/late", clip_id="s9/other")
    only(table, tmp_path / "fps.csv", "s1/late", fps=30)
    for name, error in (
        ("none.csv", "No such file or directory; make one with: lipmodel sync"),
        ("text.csv", "is no sync table: columns"),
        ("other.csv", "has none of the manifest's 4 clips"),
        ("fps.csv", "'s1/late' was measured at 30 fps; the pipeline has 25"),
    ):
        options = ("--manifest", manifest, "--sync-csv", tmp_path / name)
        require_one_line(lipdata_here("ingest", corpus, "-o", tmp_path / "out", *options), error)
        assert not (tmp_path / "out").exists()


def test_a_folder_of_before_is_gone_on_with(corpus: Path, manifest: Path, as_it_lies: Path, tmp_path: Path) -> None:
    # Made before the ledger had the column: nothing of the shards is made again, and the ledger gets it.
    old = Path(shutil.copytree(as_it_lies, tmp_path / "old"))
    without_sync_offset(old)
    before = (old / "grid-00000.h5").stat().st_mtime_ns
    api.ingest(corpus, old, manifest=manifest, workers=1)
    assert (old / "grid-00000.h5").stat().st_mtime_ns == before
    assert contents(old) == contents(as_it_lies)
