"""sync.csv: what is written is read, what is no such table or of other shards is refused in one line."""

from dataclasses import replace
from pathlib import Path

import pytest

import lipdata as api
from lipdata.corpus import read_manifest
from lipdata.errors import LipdataError
from lipdata.shards import (
    CONFIDENT_SD,
    SyncCounts,
    SyncEntry,
    count_sync,
    read_ledger,
    read_sync,
    sound_offset_s,
    sync_of,
    write_sync,
)
from tests.lipdata.command_line import lipdata_here, require_one_line
from tests.lipdata.sync_entries import entries_of

HEADER = (
    "clip_id,sha256,fps,n_frames,offset_frames,distance,confidence,confidence_sd,offset_min,offset_max,moved_s,reason"
)
LATE = SyncEntry("s1/b", "b" * 64, 25, 75, 2.5, 0.25, 0.5, 6.5, 2.0, 3.0, 0.04)
SHORT = SyncEntry("nan", "a" * 64, 25, 20, reason="too short, ü")
DOUBTFUL = SyncEntry("s1/c", "c" * 64, 25, 40, -5.0, 0.5, 0.25, CONFIDENT_SD - 0.5)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_sync(tmp_path / "sync.csv", [DOUBTFUL, LATE, SHORT])
    assert (tmp_path / "sync.csv").read_bytes().decode().split("\n") == [
        HEADER,
        f'nan,{"a" * 64},25,20,,,,,,,0.0,"too short, ü"',
        f"s1/b,{'b' * 64},25,75,2.5,0.25,0.5,6.5,2.0,3.0,0.04,",
        f"s1/c,{'c' * 64},25,40,-5.0,0.5,0.25,{CONFIDENT_SD - 0.5},,,0.0,",
        "",
    ]
    table = read_sync(tmp_path / "sync.csv")
    # NaN is what a table has in place of None.
    read = table.astype(object).where(table.notna(), None).to_dict("records")
    assert [SyncEntry(**row) for row in read] == [SHORT, LATE, DOUBTFUL]


def test_sound_is_late_where_that_is_confident(tmp_path: Path) -> None:
    exact = replace(LATE, clip_id="s1/d", confidence_sd=CONFIDENT_SD, offset_frames=0.5, moved_s=0.0)
    write_sync(tmp_path / "sync.csv", [DOUBTFUL, LATE, SHORT, exact])
    table = read_sync(tmp_path / "sync.csv")
    # 0.04 s it had been moved, and 2.5 frames it is late still.
    assert dict(zip(table.clip_id, sound_offset_s(table), strict=True)) == {
        "nan": 0.0,
        "s1/b": 0.14,
        "s1/c": 0.0,
        "s1/d": 0.02,
    }
    assert count_sync(table) == SyncCounts(answered=3, beyond=1, unsure=1, no_answer={"too short, ü": 1})


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (HEADER, HEADER.replace("moved_s", "moved"), "columns 'clip_id'.*wanted clip_id, sha256"),
        ("2.5", "nan", "'s1/b': offset_frames is not a number or nothing"),
        ("2.5", "inf", "'s1/b': offset_frames is not a number or nothing"),
        ("2.5", "", "'s1/b': neither all figures nor a reason"),
        ("2.0,3.0", "2.0,", "'s1/b': neither all figures nor a reason"),
        ("0.04,", "0.04,too still", "'s1/b': a reason why there is no answer, and figures"),
        ("0.04", "", "'s1/b': moved_s is not a number;"),
        ("0.04", "3.1", "'s1/b': moved_s is not less than the clip's length"),
        ("2.5", "-75", "'s1/b': offset_frames is not less than n_frames"),
        ("25,75", "25.5,75", "'s1/b': fps is not a whole number from 1"),
        ("25,75", "25,0", "'s1/b': n_frames is not a whole number from 1"),
        ("b" * 64, "b" * 63, "'s1/b': sha256 is not 64 hexadecimal digits"),
        ("s1/b", "nan", "'nan': the clip stands twice"),
        (",3.0,0.04,", "", "'s1/b': moved_s is not a number"),
        (",0.04,", ",0.04,,", "Error tokenizing data"),
    ],
)
def test_what_is_no_such_table_is_one_line(tmp_path: Path, old: str, new: str, error: str) -> None:
    path = tmp_path / "sync.csv"
    write_sync(path, [LATE, SHORT])
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(LipdataError, match=f"sync.csv is no sync table: .*{error}") as raised:
        read_sync(path)
    assert "\n" not in str(raised.value)


def test_no_file_and_a_table_of_bad_entries(tmp_path: Path) -> None:
    with pytest.raises(LipdataError, match="No such file or directory; make one with: lipmodel sync SHARDS"):
        read_sync(tmp_path / "sync.csv")
    with pytest.raises(LipdataError, match="the clip stands twice"):
        write_sync(tmp_path / "sync.csv", [LATE, LATE])
    assert not (tmp_path / "sync.csv").exists()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"clip_id": "t9/other"}, "'t[0-9]/.*' stands in the (shards|table) alone"),
        ({"sha256": "0" * 64}, "was measured in another file"),
        ({"n_frames": 74}, "has another number of frames"),
        ({"fps": 30}, "has another frame rate"),
        ({"moved_s": 0.04}, "was measured before its sound was moved, or moved back"),
    ],
)
def test_a_table_of_other_shards_is_refused(
    copy_of_made: Path, tmp_path: Path, change: dict[str, object], error: str
) -> None:
    first, *others = entries_of(copy_of_made)
    write_sync(copy_of_made / "sync.csv", [replace(first, **change), *others])
    manifest, ledger = read_manifest(copy_of_made / "manifest.csv"), read_ledger(copy_of_made / "ledger.csv")
    with pytest.raises(LipdataError, match=f"is of other shards: .*{error}; .*lipmodel sync"):
        sync_of(copy_of_made / "sync.csv", manifest, ledger)
    with pytest.raises(LipdataError, match="is of other shards"):
        _ = api.open(copy_of_made).clips
    report = lipdata_here("report", copy_of_made, "-o", tmp_path / "report.html")
    require_one_line(report, "is of other shards", "--overwrite")
    # The folder's own counts are right all the same.
    counted = lipdata_here("info", copy_of_made)
    assert counted.returncode == 0 and "is of other shards" in counted.stdout.splitlines()[-1]
    checked = lipdata_here("check", copy_of_made)
    assert checked.returncode == 2 and "is of other shards" in checked.stdout


def test_the_folder_joins_it(made: Path, copy_of_made: Path) -> None:
    assert api.open(made).sync is None and "sync_distance" not in api.open(made).clips
    assert "sync.csv" not in lipdata_here("info", made).stdout
    entries = entries_of(copy_of_made)
    entries[0] = replace(LATE, clip_id=entries[0].clip_id, sha256=entries[0].sha256, moved_s=0.0)
    entries[1] = SyncEntry(entries[1].clip_id, entries[1].sha256, 25, 75, reason="too still")
    write_sync(copy_of_made / "sync.csv", entries)
    table = api.open(copy_of_made).clips.set_index("clip_id")
    assert len(table) == 5 and table.status["t2/text"] == "failed" and table.sync_reason["t2/text"] == ""
    late = table.loc[entries[0].clip_id]
    assert (late.sync_offset_frames, late.sync_confidence_sd, late.sync_offset_s) == (2.5, 6.5, 0.0)
    assert table.sync_reason[entries[1].clip_id] == "too still"
    assert table.sync_offset_frames.isna().sum() == 2, "no answer, and failed"
    assert lipdata_here("info", copy_of_made).stdout.splitlines()[-1] == (
        "sync.csv: 3 clips answered, of them 1 beyond 1 frame and confident, 0 not confident; 1 without an answer"
    )
    assert '"sync": {"answered": 3, "beyond": 1' in lipdata_here("info", copy_of_made, "--json").stdout
    assert lipdata_here("check", copy_of_made).stdout == f"{copy_of_made}: all well\n"
