"""Clips without a speaker, free clip ids, further columns and names that are no GRID sentence, through an ingest."""

import shutil
from pathlib import Path

import pandas as pd

import lipdata as api
from lipdata.config import load_pipeline
from lipdata.corpus import read_manifest, scan_corpus
from lipdata.ingestion.task import manifest_digest
from lipdata.shards import read_ledger
from tests.lipdata.command_line import lipdata_here

MANIFEST = "\n".join(
    (
        "clip_id,speaker,split,path,sha256,transcript,room,notes",
        'Take 1: ü 唇,,train,s1/bbaf2n.mpg,,bin blue,12,"a, ""b"""',
        "second,s 2,,s1/bbaf4p.mpg,,,,\n",
    )
)


def test_free_ids_and_further_columns_are_kept(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(MANIFEST)
    out, options = tmp_path / "out", {"manifest": tmp_path / "m.csv", "workers": 1}
    shards = api.ingest(clips, out, **options)
    assert list(shards) == ["Take 1: ü 唇", "second"]
    assert [clip.speaker for clip in shards.values()] == ["", "s 2"]
    paths = (tmp_path / "m.csv", out / "manifest.csv")
    wanted, written = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths)
    assert (written.sha256.str.len() == 64).all()
    pd.testing.assert_frame_equal(written.drop(columns="sha256"), wanted.drop(columns="sha256"))
    assert shards.clips[["room", "notes", "status"]].values.tolist() == [["12", 'a, "b"', "ok"], ["", "", "ok"]]
    # The same command goes on with what is done, whatever is missing of it.
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "grid-00000.h5").unlink()
    api.ingest(clips, out, **options)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert lipdata_here("check", out).returncode == 0
    assert "2 speakers: no speaker 1, s 2 1" in lipdata_here("info", out).stdout


def test_a_changed_further_column_is_another_manifest(tmp_path: Path) -> None:
    digests = set()
    for text in (MANIFEST, MANIFEST.replace(",12,", ",13,"), MANIFEST.replace(",room,", ",lab,")):
        (tmp_path / "m.csv").write_text(text)
        digests.add(manifest_digest(read_manifest(tmp_path / "m.csv")))
    assert len(digests) == 3


def test_odd_stems_are_clips_without_a_transcript(clips: Path, tmp_path: Path) -> None:
    names = ("my clip.mpg", "video_2025.mpg", "BBAF2N.mpg", "bbaf2n-1.mpg")
    (tmp_path / "corpus" / "s1").mkdir(parents=True)
    for name in names:
        shutil.copy(clips / "s1" / "bbaf2n.mpg", tmp_path / "corpus" / "s1" / name)
    scan = scan_corpus(tmp_path / "corpus", load_pipeline("grid").corpus)
    assert scan.unmatched == [] and {row.path for row in scan.rows} == {f"s1/{name}" for name in names}
    shards = api.ingest(tmp_path / "corpus", tmp_path / "out", workers=2)
    assert set(shards) == {f"s1/{Path(name).stem}" for name in names}
    assert {row.transcript for row in read_manifest(tmp_path / "out" / "manifest.csv")} == {""}
    assert set(read_ledger(tmp_path / "out" / "ledger.csv").status) == {"ok"}
