"""Which clips are measured, and what becomes of the others."""

from dataclasses import replace

from lipdata.corpus.manifest import read_manifest, write_manifest
from lipmodel.config import save_run
from lipmodel.evaluation.aggregate import MODEL
from lipmodel.evaluation.run import evaluate_run
from lipmodel.inference import load
from tests.lipmodel.untrained import untrained


def test_clips_that_are_short_missing_or_trained_on_are_counted(folder, shards_folder, tmp_path):
    run = untrained(tmp_path / "run", shards_folder, {1: None})
    rows = read_manifest(shards_folder / "manifest.csv")
    moved = [replace(row, split="test" if row.clip_id in ("s1/a", "s1/short") else "train") for row in rows]
    gone = [replace(moved[0], clip_id=f"s1/gone{number}", split="test") for number in range(2)]
    write_manifest(tmp_path / "other.csv", [*moved, *gone])
    model, manifest = load(tmp_path / "run"), tmp_path / "other.csv"
    found = evaluate_run(model, shards_folder, tmp_path / "out", manifest=manifest, workers=1)
    assert (found.found, found.measured, found.too_short, found.not_in_shards) == (4, 1, 1, 2)
    assert found.learnt_from == 1
    lines = "\n".join(found.lines())
    assert "Of 4 clips of the split, 2 are not in the shards" in lines and "has learnt from 1 of these clips" in lines
    save_run(tmp_path / "run", replace(run, manifest=str(tmp_path / "none.csv")))
    assert (
        evaluate_run(load(tmp_path / "run"), shards_folder, tmp_path / "out2", split="val", workers=1).learnt_from
        is None
    )


def test_a_clip_without_a_face_has_no_landmarks_and_says_so(shards_folder, tmp_path):
    untrained(tmp_path / "run", shards_folder, {1: None})
    found = evaluate_run(load(tmp_path / "run"), shards_folder, tmp_path / "out", split="val", workers=1)
    assert found.videos[MODEL]["lmd"].mean is None and found.videos[MODEL]["ssim"].clips == 1
    assert found.without_landmarks[MODEL]["lmd"] == found.frames == 32
    assert found.examples == {}
    assert "model: 32 of 32 frames, real or its own, have no landmarks and count in no LMD." in found.lines()
