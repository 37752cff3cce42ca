"""``lipdata report``: the same bytes every time, one line where a folder is not whole, and which clips are shown."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from lipdata.analysis.quality import Flag
from lipdata.analysis.report_page import sample_clips, worst_clips
from lipdata.corpus import ManifestRow, read_manifest, write_manifest
from lipdata.shards import open_shards
from tests.lipdata.analysis.changed import edit_ledger, write_page
from tests.lipdata.command_line import lipdata, lipdata_here, require_one_line


def test_the_same_shards_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    write_page(made, tmp_path / "one.html")
    copied = Path(shutil.copytree(made, tmp_path / "elsewhere" / made.name))
    write_page(copied, tmp_path / "other.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


def test_the_command(made: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    ran = lipdata("report", made, "-o", page)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "0 clips flagged, 1 failed",
        f"written: {page}, open it in a browser",
        f"next: lipmodel fit {made}",
    ]
    page.write_text("mine")
    again = lipdata_here("report", made, "-o", page)
    require_one_line(again, f"{page} is there already; choose another -o or say --overwrite")
    assert page.read_text() == "mine"
    assert lipdata_here("report", made, "-o", page, "--overwrite").returncode == 0
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("wrong", ["ledger", "manifest", "dataset", "shard"])
def test_a_folder_that_is_not_whole_is_one_line(made: Path, tmp_path: Path, wrong: str) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "shards"))
    if wrong == "ledger":
        edit_ledger(folder, open_shards(made)[0].clips[0].clip_id, status="failed", stage="lips", reason="no face")
    elif wrong == "manifest":
        write_manifest(folder / "manifest.csv", read_manifest(made / "manifest.csv")[1:])
    elif wrong == "dataset":
        (folder / "dataset.json").write_text("[]")
    else:
        (folder / "grid-00000.h5").unlink()
    ran = lipdata_here("report", folder, "-o", tmp_path / "report.html")
    assert ran.returncode == 2 and len(ran.stderr.strip().splitlines()[-1]) > 20 and "Traceback" not in ran.stderr
    assert not (tmp_path / "report.html").exists()


def test_samples_are_of_every_speaker_first() -> None:
    rows = {f"s{n % 5}/{n}": ManifestRow(f"s{n % 5}/{n}", f"s{n % 5}", "", "x") for n in range(100)}
    entries = pd.DataFrame({"clip_id": list(rows), "status": "ok"})
    chosen = sample_clips(entries, rows)
    counts = pd.Series([clip_id.split("/")[0] for clip_id in chosen]).value_counts()
    assert len(chosen) == 12 and set(counts) == {2, 3}
    assert sample_clips(entries.sample(frac=1, random_state=0), rows) == chosen


def test_of_each_flag_the_worst_are_pictured() -> None:
    raised = [Flag(f"s1/{n}", rule, "", float(n)) for rule, ns in (("a", range(9)), ("b", (0, 8))) for n in ns]
    assert worst_clips(raised) == ["s1/0", "s1/3", "s1/4", "s1/5", "s1/6", "s1/7", "s1/8"]
