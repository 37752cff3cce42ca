"""The manifest: written and read again, every rule, and splits that depend on the clip alone."""

import re
from pathlib import Path

import pytest

from lipdata.corpus import ManifestRow, hash_fraction, read_manifest, split_of, write_manifest
from lipdata.errors import LipdataError

HEADER = "clip_id,speaker,split,path,sha256,transcript\n"


def test_written_and_read_again(tmp_path: Path) -> None:
    rows = [
        ManifestRow("s2/b", "s2", "", "s2/b, with a comma.mpg", transcript='say "a", NA'),
        ManifestRow("s1/nan", "s1", "test", "take2:x/nan\n-.mpg", "0" * 64, "ü 唇"),
    ]
    write_manifest(tmp_path / "m.csv", rows)
    assert read_manifest(tmp_path / "m.csv") == sorted(rows)
    text = (tmp_path / "m.csv").read_bytes()
    assert text.startswith(HEADER.encode()) and b"\r" not in text


def test_a_carriage_return_is_kept(tmp_path: Path) -> None:
    rows = [ManifestRow("s1/a", "s1", "", "a\rb/a.mpg", transcript="one\rtwo")]
    write_manifest(tmp_path / "m.csv", rows)
    assert read_manifest(tmp_path / "m.csv") == rows


def test_optional_columns_are_written_where_used(tmp_path: Path) -> None:
    row = ManifestRow("s1/a", "s1", "", "s1/a.mp4", audio_path="s1/a.wav", start_s=0.25, end_s=2.0)
    write_manifest(tmp_path / "m.csv", [row])
    assert read_manifest(tmp_path / "m.csv") == [row]
    assert (tmp_path / "m.csv").read_text().splitlines()[0].endswith("transcript,audio_path,start_s,end_s")


def test_an_empty_speaker_a_free_id_and_further_columns_come_back(tmp_path: Path) -> None:
    rows = [
        ManifestRow("Take 1: ü 唇", "", "train", "a.mpg", extra=(("room", "12"), ("notes", 'a, "b"\nc'))),
        ManifestRow("s1/a", "somebody else", "", "b.mpg", extra=(("room", ""), ("notes", ""))),
    ]
    write_manifest(tmp_path / "m.csv", rows)
    assert read_manifest(tmp_path / "m.csv") == rows
    assert (tmp_path / "m.csv").read_text().splitlines()[0] == HEADER.strip() + ",room,notes"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (HEADER.replace(",split", "") + "s1/a,s1,s1/a.mpg,,\n", "lacks column 'split'"),
        (HEADER.replace("\n", ",room,room\n") + "s1/a,s1,,s1/a.mpg,,,1,2\n", "has a column twice or without a name"),
        (HEADER.replace("\n", ",\n") + "s1/a,s1,,s1/a.mpg,,,1\n", "has a column twice or without a name"),
        (HEADER + "s1/a,s1,,/etc/passwd,,\n", "line 2: s1/a: path '/etc/passwd'"),
        (HEADER + "s1/a,s1,,s1/../../a.mpg,,\n", "path 's1/../../a.mpg'"),
        (HEADER + "s1/a,s1,,C:/a.mpg,,\n", "path 'C:/a.mpg'"),
        (HEADER + "s1/a,s1,,,,\n", "path ''"),
        (HEADER + "s1/a,s1,,a.mpg,,\ns1/a,s1,,b.mpg,,\n", "clip_id s1/a stands 2 times (a.mpg, b.mpg)"),
        (HEADER + ",s1,,a.mpg,,\n", "clip_id ''; allowed: 1 to 128 bytes of printable UTF-8"),
        (HEADER + '"s1/a\nb",s1,,a.mpg,,\n', "clip_id 's1/a\\nb'; allowed: 1 to 128 bytes of printable UTF-8"),
        (HEADER + f"{65 * 'ü'},s1,,a.mpg,,\n", "allowed: 1 to 128 bytes"),
        (HEADER + f"a,{65 * 's'},,a.mpg,,\n", "a: speaker 'sss"),
        (HEADER + "s1/a,s1,training,a.mpg,,\n", "split 'training'; allowed: train, val, test or empty"),
        (HEADER + "s1/a,s1,,a.mpg,abc,\n", "sha256 'abc'"),
        (HEADER.replace("\n", ",start_s\n") + "s1/a,s1,,a.mpg,,,soon\n", "start_s 'soon' is no number"),
        (HEADER.replace("\n", ",start_s,end_s\n") + "s1/a,s1,,a.mpg,,,2,1\n", "allowed: 0 <= start_s < end_s"),
        (HEADER + "s1/a,s1,,a.mpg,,one,two\n", "line 2: 7 fields; the header has 6"),
        (HEADER, "names no clip"),
        ("", "is empty"),
    ],
)
def test_a_mistake_is_refused_and_named(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(LipdataError, match=re.escape(error)) as raised:
        read_manifest(tmp_path / "m.csv")
    assert "\n" not in str(raised.value)


def test_a_missing_file_and_one_that_is_not_utf_8(tmp_path: Path) -> None:
    with pytest.raises(LipdataError, match="cannot read manifest"):
        read_manifest(tmp_path / "none.csv")
    (tmp_path / "m.csv").write_bytes(HEADER.encode() + b"s1/\xff,s1,,a.mpg,,\n")
    with pytest.raises(LipdataError, match="not UTF-8"):
        read_manifest(tmp_path / "m.csv")


def test_split_depends_on_the_clip_alone() -> None:
    clips = [f"s{speaker}/clip{number}" for speaker in range(1, 35) for number in range(200)]
    splits = {clip: split_of(clip, clip.split("/")[0], ["s33"], 0.1) for clip in clips}
    assert {clip for clip in clips if splits[clip] == "test"} == {c for c in clips if c.startswith("s33/")}
    others = [split for clip, split in splits.items() if not clip.startswith("s33/")]
    assert abs(others.count("val") / len(others) - 0.1) < 0.02
    assert split_of("s1/bbaf2n", "s1", [], 0.0) == ""


def test_the_validation_clips_are_the_same_for_ever() -> None:
    # Shared splits must not move with a release. 0.4067: printf %s s1/bbaf2n | sha256sum, 16 digits over 16^16.
    assert hash_fraction("s1/bbaf2n") == pytest.approx(0.4067530677, abs=1e-9)
    assert split_of("s1/bbaf2n", "s1", ["s33"], 0.41) == "val"
    assert split_of("s1/bbaf2n", "s1", ["s33"], 0.40) == "train"
