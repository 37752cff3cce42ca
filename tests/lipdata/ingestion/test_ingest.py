"""``lipdata ingest`` on the synthetic corpus: what the folder holds, and what is refused before anything is made."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lipdata as api
from lipdata.face import DlibDetector
from lipdata.shards import read_ledger
from tests.lipdata.command_line import lipdata, lipdata_here, require_one_line

HEADER = "clip_id,speaker,split,path,sha256,transcript\n"


def test_the_folder_is_as_the_contract_says(made: Path, sample: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == [
        "dataset.json",
        "grid-00000.h5",
        "ledger.csv",
        "manifest.csv",
    ]
    table = read_ledger(made / "ledger.csv")
    columns = "clip_id status stage reason shard start n_frames faces_detected frames_interpolated av_offset_s seconds"
    assert list(table.columns) == [*columns.split(), "sync_offset_s"]
    ok = table[table.status == "ok"]
    assert (ok.n_frames == 75).all() and (ok.seconds == 3.0).all() and ok.start.tolist() == [0, 75, 150, 225]
    about = json.loads((made / "dataset.json").read_text())
    assert (about["found"], about["ok"], about["failed"], about["unmatched"], about["version"]) == (5, 4, 1, 0, 1)
    assert set(about["versions"]) == {"ffmpeg", "dlib", "opencv", "lipdata", "numpy"}
    manifest = pd.read_csv(made / "manifest.csv", keep_default_na=False)
    assert manifest.split.tolist().count("test") == 1
    for row in manifest[manifest.clip_id != "t2/text"].itertuples():
        summed = subprocess.run(["sha256sum", str(sample / str(row.path))], capture_output=True, text=True, check=True)
        assert summed.stdout.split()[0] == row.sha256


def test_the_mouth_moves_in_speech_and_rests_in_silence(made: Path, sample: Path) -> None:
    for clip in api.open(made).values():
        speaker, stem = clip.clip_id.split("/")
        words = [line.split() for line in (sample / speaker / "align" / f"{stem}.align").read_text().splitlines()]
        start, end = (int(words[1][0]) // 1000, int(words[-2][1]) // 1000)  # ticks of 1/25000 s -> frames
        opening = clip.landmarks[:, 18, 1] - clip.landmarks[:, 14, 1]  # points 66 and 62
        loud = clip.mel.mean((1, 2))
        motion = np.linalg.norm(clip.flow.astype(np.float32), axis=-1).mean((1, 2))
        assert opening[start:end].mean() > 1.5 * opening[: start - 3].mean()
        assert motion[start : end - 1].mean() > 2 * motion[: start - 3].mean()
        assert loud[start:end].mean() > loud[: start - 3].mean() + 20


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("clip_id,speaker,path,sha256,transcript\n", "lacks column 'split'"),
        (HEADER + "s1/a,s1,,/etc/passwd,,\n", "path '/etc/passwd'"),
        (HEADER + "s1/a,s1,,../a.mpg,,\n", "path '../a.mpg'"),
        (HEADER + "s1/a,s1,,a.mpg,,\ns1/a,s1,,a.mpg,,\n", "stands 2 times"),
    ],
)
def test_a_bad_manifest_stops_before_anything_is_made(clips: Path, tmp_path: Path, content: str, error: str) -> None:
    (tmp_path / "m.csv").write_text(content)
    ran = lipdata_here("ingest", clips, "-o", tmp_path / "out", "--manifest", tmp_path / "m.csv")
    require_one_line(ran, error)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_line_break_in_a_name_leaves_the_ledger_readable(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + 's1/a,s1,,"gone\r\nfor good.mpg",,\n', newline="")
    ran = lipdata("ingest", clips, "-o", tmp_path / "out", "--manifest", tmp_path / "m.csv", "-j", 1)
    assert ran.returncode == 1
    assert read_ledger(tmp_path / "out" / "ledger.csv").reason.tolist() == ["gone for good.mpg is not there"]
    assert lipdata("check", tmp_path / "out").returncode == 0  # manifest and ledger are read, and agree


def test_a_manifest_decides_clips_and_notices_changed_files(clips: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(clips / "manifest.csv", dtype=str, keep_default_na=False)
    rows.loc[0, "sha256"] = "0" * 64
    rows.loc[1, "path"] = "s1/gone.mpg"
    rows.iloc[:3].to_csv(tmp_path / "changed.csv", index=False)
    ran = lipdata("ingest", clips, "-o", tmp_path / "out", "--manifest", tmp_path / "changed.csv", "-j", 1)
    assert ran.returncode == 1
    table = read_ledger(tmp_path / "out" / "ledger.csv")
    assert table.status.tolist() == ["failed", "failed", "ok"]
    assert table.reason[0].startswith("the file changed") and table.reason[1] == "s1/gone.mpg is not there"


@pytest.mark.parametrize("corpus", ["empty", "others", "none"])
def test_a_folder_without_clips(tmp_path: Path, corpus: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "notes.txt").write_text("x")
    require_one_line(lipdata_here("ingest", tmp_path / corpus, "-o", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_unknown_key_of_a_pipeline_is_refused(clips: Path, grid_toml: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(grid_toml + "clisp = 3\n")
    ran = lipdata_here("ingest", clips, "-o", tmp_path / "out", "--pipeline", tmp_path / "mine.toml")
    require_one_line(ran, "unknown key shards.clisp")
    assert not (tmp_path / "out").exists()


def test_the_shard_of_real_clips(grid_shards: Path, finder: DlibDetector) -> None:
    # Whatever the decoder, a GRID clip has 75 frames, sound and picture begin together, and the crop holds the mouth.
    table = read_ledger(grid_shards / "ledger.csv")
    assert (table.n_frames == 75).all() and (table.av_offset_s == 0).all() and (table.reason == "").all()
    for clip in api.open(grid_shards).values():
        face = finder.detect(clip.face)[0][0]
        assert 0.25 < (clip.face_lips[2] - clip.face_lips[0]) / (face[2] - face[0]) < 1
        assert (clip.landmarks > 0).all() and (clip.landmarks < 64).all()


@pytest.mark.slow
def test_a_real_clip_without_a_face_at_first(grid: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + "s1/bbaf2n,s1,,s1/bbaf2n.mpg,,\ns1/lgbf8n,s1,,s1/lgbf8n.mpg,,\n")
    ran = lipdata("ingest", grid, "-o", tmp_path / "out", "--manifest", tmp_path / "m.csv", "-j", 2)
    assert ran.returncode == 1
    table = read_ledger(tmp_path / "out" / "ledger.csv").set_index("clip_id")
    assert table.index[table.status == "failed"].tolist() == ["s1/lgbf8n"]
    assert table.loc["s1/lgbf8n", "reason"] == "no face in frames 0 to 11 of 75; longest gap allowed: 5"


def test_workers_run_at_batch_priority() -> None:
    code = "import os; from lipdata.ingestion import worker_context; policies = [os.sched_getscheduler(0)]\n"
    code += "with worker_context(0): policies.append(os.sched_getscheduler(0))\n"
    code += "print(*policies, os.sched_getscheduler(0))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == [str(policy) for policy in (os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_OTHER)]
