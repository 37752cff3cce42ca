"""``lipdata check``: whatever is damaged, missing or added in a shard folder is found."""

import json
import random
import shutil
from pathlib import Path

import pytest

from lipdata.analysis import check_path
from lipdata.errors import LipdataError
from tests.lipdata.command_line import lipdata_here


def test_check_finds_what_was_damaged(made: Path, tmp_path: Path) -> None:
    def damaged(name: str) -> Path:
        return Path(shutil.copytree(made, tmp_path / name))

    assert lipdata_here("check", made).stdout == f"{made}: all well\n"
    flipped = damaged("flipped") / "grid-00000.h5"
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    cut = damaged("cut") / "grid-00000.h5"
    cut.write_bytes(cut.read_bytes()[:-1000])
    (damaged("gone") / "grid-00000.h5").unlink()
    rows = (damaged("row") / "ledger.csv").read_text().splitlines()
    (tmp_path / "row" / "ledger.csv").write_text("\n".join(rows[:-1]) + "\n")
    invented = rows[-1].replace(rows[-1].split(",")[0], "t3/invented").replace(",75,", ",7,")
    (damaged("invented") / "ledger.csv").write_text("\n".join([*rows, invented]) + "\n")
    (damaged("headless") / "dataset.json").unlink()
    (damaged("strange") / "grid-00007.h5").write_bytes(b"")
    for name, broken in (
        ("flipped", "grid-00000.h5 is damaged"),
        ("cut", "grid-00000.h5 is damaged"),
        ("gone", "grid-00000.h5 is missing"),
        ("row", "in the manifest alone"),
        ("invented", "t3/invented: the ledger says frames"),
        ("headless", "dataset.json is missing"),
        ("strange", "grid-00007.h5 is no file of this dataset"),
    ):
        assert broken in " ".join(check_path(tmp_path / name)), name
    ran = lipdata_here("check", tmp_path / "cut", "--json")
    result = json.loads(ran.stdout)
    assert ran.returncode == 2 and not result["whole"] and "grid-00000.h5 is damaged" in result["broken"][0]


def test_a_manifest_is_checked_too(clips: Path, tmp_path: Path) -> None:
    assert check_path(clips / "manifest.csv") == []
    (tmp_path / "m.csv").write_text("clip_id,speaker,split,path,sha256,transcript\ns1/a,s1,,../a.mpg,,\n")
    ran = lipdata_here("check", tmp_path / "m.csv")
    assert ran.returncode == 2 and "path '../a.mpg'; allowed: a POSIX path below" in ran.stdout
    with pytest.raises(LipdataError, match="neither a shard folder nor a manifest"):
        check_path(tmp_path / "m.txt")


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
    about = json.loads((folder / "dataset.json").read_text())
    (tmp_path / "outside").write_text("mine")
    about["files"] |= {"../outside": "", str(tmp_path / "outside"): ""}
    (folder / "dataset.json").write_text(json.dumps(about))
    assert check_path(folder) == []
