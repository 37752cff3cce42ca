"""The whole of lipdata through its command line, on the sample corpus and on input that is broken on purpose."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lipdata.analysis.integrity import check_path
from lipdata.config import Pipeline
from lipdata.errors import LipdataError
from lipdata.face.dlib_detector import DlibDetector, predictor_path
from lipdata.media.decode import decode_clip
from lipdata.shards.ledger import read_ledger
from lipdata.shards.reader import PER_FRAME, Shard, open_shards
from lipdata.shards.schema import PER_CLIP
from tests.conftest import encode

MPEG = ("-c:v", "mpeg1video", "-q:v", "2", "-c:a", "mp2")


def lipdata(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lipdata", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: str(Shard(path).attributes["content_sha256"]) for path in sorted(folder.glob("*.h5"))}


def split_into_single_clips(folder: Path) -> Path:
    """GRID's pipeline with one clip a shard, so that two workers have something to share."""
    grid = (Path(__file__).parents[2] / "pipelines" / "grid.toml").read_text()
    path = folder / "single.toml"
    path.write_text(grid.replace("clips = 64", "clips = 1"))
    return path


@pytest.fixture(scope="module")
def made(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of the sample corpus."""
    out = tmp_path_factory.mktemp("made") / "shards"
    ran = lipdata("ingest", sample, "-o", out, "-j", 2)
    assert ran.returncode == 0, ran.stderr
    assert "found 4 = ok 4 + failed 0" in ran.stdout
    assert ran.stdout.splitlines()[-1] == f"next: lipmodel fit {out}"
    assert "4/4 clips, 0 failed" in ran.stderr
    return out


def test_the_folder_is_as_the_contract_says(made: Path, sample: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == [
        "dataset.json",
        "grid-00000.h5",
        "ledger.csv",
        "manifest.csv",
    ]
    table = read_ledger(made / "ledger.csv")
    columns = "clip_id status stage reason shard start n_frames faces_detected frames_interpolated av_offset_s seconds"
    assert list(table.columns) == columns.split()
    assert (table.n_frames == 75).all() and (table.seconds == 3.0).all() and (table.status == "ok").all()
    about = json.loads((made / "dataset.json").read_text())
    assert (about["found"], about["ok"], about["failed"], about["version"]) == (4, 4, 0, 1)
    assert set(about["versions"]) == {"ffmpeg", "dlib", "opencv", "lipdata", "numpy"}
    manifest = pd.read_csv(made / "manifest.csv", keep_default_na=False)
    assert manifest.split.tolist().count("test") == 1
    for row in manifest.itertuples():
        said = subprocess.run(["sha256sum", str(sample / str(row.path))], capture_output=True, text=True, check=True)
        assert said.stdout.split()[0] == row.sha256


def test_the_mouth_moves_in_speech_and_rests_in_silence(made: Path, sample: Path) -> None:
    for shard in open_shards(made):
        for place in shard.clips:
            clip = shard.clip(place.clip_id)
            speaker, stem = place.clip_id.split("/")
            words = [line.split() for line in (sample / speaker / "align" / f"{stem}.align").read_text().splitlines()]
            start, end = (int(words[1][0]) // 1000, int(words[-2][1]) // 1000)  # ticks of 1/25000 s -> frames
            opening = clip.landmarks[:, 18, 1] - clip.landmarks[:, 14, 1]  # points 66 and 62
            loud = clip.mel.mean((1, 2))
            motion = np.linalg.norm(clip.flow.astype(np.float32), axis=-1).mean((1, 2))
            assert opening[start:end].mean() > 1.5 * opening[: start - 3].mean()
            assert motion[start : end - 1].mean() > 2 * motion[: start - 3].mean()
            assert loud[start:end].mean() > loud[: start - 3].mean() + 20


def test_any_number_of_workers_makes_the_same_bytes(sample: Path, made: Path, tmp_path: Path) -> None:
    single = split_into_single_clips(tmp_path)
    for jobs in (1, 2):
        ran = lipdata("ingest", sample, "-o", tmp_path / f"j{jobs}", "--pipeline", single, "-j", jobs)
        assert ran.returncode == 0, ran.stderr
    assert len(digests(tmp_path / "j1")) == 4
    assert digests(tmp_path / "j1") == digests(tmp_path / "j2")
    for name in ("ledger.csv", "manifest.csv", "dataset.json"):
        assert (tmp_path / "j1" / name).read_bytes() == (tmp_path / "j2" / name).read_bytes()
    again = lipdata("ingest", sample, "-o", tmp_path / "again", "-j", 1)
    assert again.returncode == 0 and digests(tmp_path / "again") == digests(made)


@pytest.fixture(scope="module")
def broken(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good clip among all kinds of bad ones, in GRID's layout."""
    corpus = tmp_path_factory.mktemp("broken") / "corpus"
    (corpus / "s1").mkdir(parents=True)
    good = next(sample.glob("s1/*.mpg"))
    clip = decode_clip(good, fps=25, sample_rate_hz=44100)
    shutil.copy(good, corpus / "s1" / "good.mpg")
    (corpus / "s1" / "text.mpg").write_text("no film at all")
    (corpus / "s1" / "empty.mpg").write_bytes(b"")
    whole = good.read_bytes()
    (corpus / "s1" / "truncated.mpg").write_bytes(whole[: len(whole) // 2])
    (corpus / "s1" / "stub.mpg").write_bytes(whole[: len(whole) // 20])
    encode(corpus / "s1" / "mute.mpg", clip.frames, None, options=("-c:v", "mpeg1video"))
    encode(corpus / "s1" / "faceless.mpg", np.full_like(clip.frames, 90), clip.sound, options=MPEG)
    encode(corpus / "s1" / "short.mpg", clip.frames[:8], clip.sound[: 8 * 1764], options=MPEG)
    encode(
        corpus / "s1" / "leaving.mpg",
        np.where(np.arange(75)[:, None, None, None] > 40, 0, clip.frames),
        clip.sound,
        options=MPEG,
    )
    (corpus / "s1" / "folder.mpg").mkdir()
    (corpus / "s1" / "outside.mpg").symlink_to(good)
    return corpus


def test_every_bad_clip_is_named_and_the_good_one_unharmed(broken: Path, made: Path, tmp_path: Path) -> None:
    ran = lipdata("ingest", broken, "-o", tmp_path / "out", "-j", 1)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    table = read_ledger(tmp_path / "out" / "ledger.csv").set_index("clip_id")
    assert len(table) == 10 and set(table.status) == {"ok", "failed"}
    assert f"found 10 = ok {sum(table.status == 'ok')} + failed {sum(table.status == 'failed')}" in ran.stdout
    expected = {
        "text": ("media", "no picture in it"),
        "empty": ("media", "no picture in it"),
        "stub": ("media", ""),
        "mute": ("media", "no sound in it"),
        "faceless": ("lips", "no face in frames 0 to 74 of 75"),
        "short": ("media", "8 frames; a window needs 16"),
        "leaving": ("lips", "no face in frames 41 to 74 of 75"),
        "outside": ("manifest", "s1/outside.mpg is a link that leaves the corpus folder"),
    }
    for stem, (stage, reason) in expected.items():
        row = table.loc[f"s1/{stem}"]
        assert (row.status, row.stage) == ("failed", stage), (stem, row.to_dict())
        assert str(row.reason).startswith(reason), (stem, row.reason)
    assert table.loc["s1/truncated", "reason"].startswith("decoder complained")
    assert table.loc["s1/truncated", "status"] == "ok" and 30 <= table.loc["s1/truncated", "n_frames"] < 45
    shard = Shard(tmp_path / "out" / "grid-00000.h5")
    alone = open_shards(made)[0]
    twin = next(clip for clip in alone.clips if clip.sha256 == shard.clip("s1/good").sha256)
    for name in (*PER_FRAME, *PER_CLIP):
        np.testing.assert_array_equal(getattr(shard.clip("s1/good"), name), getattr(alone.clip(twin.clip_id), name))
    assert lipdata("check", tmp_path / "out").returncode == 0


def test_failures_and_exit_status(broken: Path, tmp_path: Path) -> None:
    ran = lipdata("ingest", broken, "-o", tmp_path / "a", "-j", 1, "--max-failed", 8)
    assert ran.returncode == 0, ran.stderr
    fast = lipdata("ingest", broken, "-o", tmp_path / "b", "-j", 1, "--fail-fast")
    assert fast.returncode == 1
    assert fast.stderr.splitlines()[-1].startswith("lipdata: s1/empty failed: media: no picture in it")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("clip_id,speaker,path,sha256,transcript\n", "lacks column 'split'"),
        ("clip_id,speaker,split,path,sha256,transcript\ns1/a,s1,,/etc/passwd,,\n", "path '/etc/passwd'"),
        ("clip_id,speaker,split,path,sha256,transcript\ns1/a,s1,,../a.mpg,,\n", "path '../a.mpg'"),
        ("clip_id,speaker,split,path,sha256,transcript\ns1/a,s1,,a.mpg,,\ns1/a,s1,,a.mpg,,\n", "stands 2 times"),
    ],
)
def test_a_bad_manifest_stops_before_anything_is_made(sample: Path, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "m.csv").write_text(content)
    ran = lipdata("ingest", sample, "-o", tmp_path / "out", "--manifest", tmp_path / "m.csv")
    assert ran.returncode == 2 and said in ran.stderr and len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_line_break_in_a_name_leaves_the_ledger_readable(sample: Path, tmp_path: Path) -> None:
    header = "clip_id,speaker,split,path,sha256,transcript\n"
    (tmp_path / "m.csv").write_text(header + 's1/a,s1,,"gone\r\nfor good.mpg",,\n', newline="")
    ran = lipdata("ingest", sample, "-o", tmp_path / "out", "--manifest", tmp_path / "m.csv", "-j", 1)
    assert ran.returncode == 1
    assert read_ledger(tmp_path / "out" / "ledger.csv").reason.tolist() == ["gone for good.mpg is not there"]
    assert lipdata("check", tmp_path / "out").returncode == 0  # manifest and ledger are read, and agree


def test_a_manifest_decides_clips_and_notices_changed_files(sample: Path, tmp_path: Path) -> None:
    made = lipdata("manifest", sample, "-o", tmp_path / "m.csv", "--test", "s2")
    assert made.returncode == 0, made.stderr
    assert lipdata("manifest", sample, "-o", tmp_path / "m.csv").returncode == 2
    rows = pd.read_csv(tmp_path / "m.csv", dtype=str, keep_default_na=False)
    assert (rows.split == "test").sum() == (rows.speaker == "s2").sum() == 1
    rows.loc[0, "sha256"] = "0" * 64
    rows.loc[1, "path"] = "s1/gone.mpg"
    rows.iloc[:3].to_csv(tmp_path / "changed.csv", index=False)
    ran = lipdata("ingest", sample, "-o", tmp_path / "out", "--manifest", tmp_path / "changed.csv", "-j", 1)
    assert ran.returncode == 1
    table = read_ledger(tmp_path / "out" / "ledger.csv")
    assert table.status.tolist() == ["failed", "failed", "ok"]
    assert table.reason[0].startswith("the file changed") and table.reason[1] == "s1/gone.mpg is not there"


def test_nothing_is_overwritten_unasked(made: Path, sample: Path, tmp_path: Path) -> None:
    before = digests(made)
    ran = lipdata("ingest", sample, "-o", made, "--limit", 3)
    assert ran.returncode == 2 and "begin anew there with --overwrite" in ran.stderr
    assert digests(made) == before
    picture = tmp_path / "p.png"
    picture.write_text("mine")
    assert lipdata("show", made, "s1/none", "-o", picture).returncode == 2
    assert picture.read_text() == "mine"


@pytest.mark.parametrize("corpus", ["empty", "others", "none"])
def test_a_folder_without_clips(tmp_path: Path, corpus: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "notes.txt").write_text("x")
    ran = lipdata("ingest", tmp_path / corpus, "-o", tmp_path / "out")
    assert ran.returncode == 2 and len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_unknown_key_is_refused(sample: Path, tmp_path: Path) -> None:
    single = split_into_single_clips(tmp_path)
    single.write_text(single.read_text() + "clisp = 3\n")
    ran = lipdata("ingest", sample, "-o", tmp_path / "out", "--pipeline", single)
    assert ran.returncode == 2 and "unknown key shards.clisp" in ran.stderr and not (tmp_path / "out").exists()


def test_check_finds_what_was_damaged(made: Path, tmp_path: Path) -> None:
    def damaged(name: str) -> Path:
        return Path(shutil.copytree(made, tmp_path / name))

    assert lipdata("check", made).stdout.strip().endswith("all well")
    flipped = damaged("flipped") / "grid-00000.h5"
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    cut = damaged("cut") / "grid-00000.h5"
    cut.write_bytes(cut.read_bytes()[:-1000])
    (damaged("gone") / "grid-00000.h5").unlink()
    rows = (damaged("row") / "ledger.csv").read_text().splitlines()
    (tmp_path / "row" / "ledger.csv").write_text("\n".join(rows[:-1]) + "\n")
    invented = rows[-1].replace(rows[-1].split(",")[0], "s33/invented").replace(",75,", ",7,")
    (damaged("invented") / "ledger.csv").write_text("\n".join([*rows, invented]) + "\n")
    (damaged("headless") / "dataset.json").unlink()
    (damaged("strange") / "grid-00007.h5").write_bytes(b"")
    for name, said in (
        ("flipped", "grid-00000.h5 is damaged"),
        ("cut", "grid-00000.h5 is damaged"),
        ("gone", "grid-00000.h5 is missing"),
        ("row", "in the manifest alone"),
        ("invented", "s33/invented: the ledger says frames"),
        ("headless", "dataset.json is missing"),
        ("strange", "grid-00007.h5 is no file of this dataset"),
    ):
        ran = lipdata("check", tmp_path / name, "--json")
        assert ran.returncode == 2, name
        told = json.loads(ran.stdout)
        assert not told["whole"] and said in " ".join(told["broken"]), told


def test_check_finds_any_byte(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "flips")
    draw = random.Random(0)
    for path in sorted(path for path in folder.iterdir() if path.name != "dataset.json"):
        content = path.read_bytes()
        # HDF5's own words lie in the first and the last kilobytes.
        places = [*range(0, 2000, 400), *(draw.randrange(len(content)) for _ in range(10)), len(content) - 1]
        for place in (place for place in places if place < len(content)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :])
            assert f"{path} is damaged" in " ".join(check_path(folder)), (path, place)
        path.write_bytes(content + b"\n")
        assert f"{path} is damaged" in " ".join(check_path(folder))
        path.write_bytes(content)
    assert check_path(folder) == []


def test_check_opens_no_file_elsewhere(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "strange")
    told = json.loads((folder / "dataset.json").read_text())
    (tmp_path / "outside").write_text("mine")
    told["files"] |= {"../outside": "", str(tmp_path / "outside"): ""}
    (folder / "dataset.json").write_text(json.dumps(told))
    assert check_path(folder) == []


def test_a_damaged_header_is_told_in_one_line(made: Path, tmp_path: Path) -> None:
    content = (made / "grid-00000.h5").read_bytes()
    draw = random.Random(0)
    refused = 0
    for _ in range(60):
        place = draw.randrange(2048)
        (tmp_path / "a.h5").write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            Shard(tmp_path / "a.h5")
        except LipdataError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 10


def test_info_counts(made: Path) -> None:
    told = json.loads(lipdata("info", made, "--json").stdout)
    assert told["found"] == told["ok"] + told["failed"] == 4
    assert told["windows"] == 32 == sum(told["windows_by_split"].values())
    assert told["speakers"] == {"s1": 2, "s2": 1, "s33": 1}
    assert told["hours"] == pytest.approx(12 / 3600, abs=1e-6)


def test_show_draws_what_is_in_the_shard(made: Path, tmp_path: Path) -> None:
    import cv2

    clip_id = Shard(made / "grid-00000.h5").clips[0].clip_id
    assert lipdata("show", made, clip_id, "-o", tmp_path / "p.png").returncode == 0
    picture = cv2.imread(str(tmp_path / "p.png"))[:, :, ::-1]
    frames = Shard(made / "grid-00000.h5").clip(clip_id).frames
    assert picture.shape[1] > 25 * 64
    first_row = np.concatenate(list(frames[:25]), axis=1)
    places = cv2.matchTemplate(np.ascontiguousarray(picture), first_row, cv2.TM_SQDIFF)
    assert places.min() == 0


def test_doctor_names_what_is_missing() -> None:
    code = "import sys; sys.modules['dlib'] = None; from lipdata.cli import main; main(['doctor'])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and "Traceback" not in ran.stderr
    assert "MISSING dlib-bin" in ran.stdout and "-> pip install dlib-bin" in ran.stdout


@pytest.mark.parametrize("arguments", [("--bogus",), ("bogus",), ("ingest",), ("ingest", "x", "-j", "0")])
def test_a_mistake_in_the_usage_is_one_line(arguments: tuple[str, ...]) -> None:
    ran = lipdata(*arguments)
    assert ran.returncode == 2 and len(ran.stderr.splitlines()) == 1 and ran.stderr.startswith("lipdata: ")


def test_doctor_finds_this_machine_fit() -> None:
    ran = lipdata("doctor")
    assert ran.returncode == 0, ran.stdout
    assert "ffmpeg" in ran.stdout and "MISSING" not in ran.stdout


def test_the_real_grid_clips(grid: Path, tmp_path: Path, setup: Pipeline) -> None:
    names = ("s1/bbaf2n", "s1/lgbf8n", "s23/lrwp9a", "s26/bgbsza", "s31/bgiq6p", "s4/bbaf2a", "sA/brbk7n")
    for name in names:
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(grid / f"{name}.mpg", tmp_path / "corpus" / f"{name}.mpg")
    ran = lipdata("ingest", tmp_path / "corpus", "-o", tmp_path / "out", "-j", 2)
    assert ran.returncode == 1
    table = read_ledger(tmp_path / "out" / "ledger.csv").set_index("clip_id")
    assert table.index[table.status == "failed"].tolist() == ["s1/lgbf8n"]
    assert table.loc["s1/lgbf8n", "reason"] == "no face in frames 0 to 11 of 75; longest gap allowed: 5"
    ok = table[table.status == "ok"]
    assert (ok.n_frames == 75).all() and (ok.av_offset_s == 0).all()
    finder = DlibDetector(predictor_path())
    for place in open_shards(tmp_path / "out")[0].clips:
        clip = open_shards(tmp_path / "out")[0].clip(place.clip_id)
        side = clip.box[:, 2] - clip.box[:, 0]
        assert 0.25 < side.mean() / (finder.detect(clip.face)[0][0][2] - finder.detect(clip.face)[0][0][0]) < 3
        assert (clip.landmarks > 0).all() and (clip.landmarks < 64).all()


def test_workers_give_way_to_other_programs() -> None:
    code = "import os; from lipdata.forked import as_worker; told = [os.sched_getscheduler(0)]\n"
    code += "with as_worker(0): told.append(os.sched_getscheduler(0))\nprint(*told, os.sched_getscheduler(0))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(policy) for policy in (os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_OTHER)]
