"""Media files that fit no layout: in the ledger, in the summary, counted as failed with --strict, and no clips."""

import json
import shutil
from pathlib import Path

import pytest

import lipdata as api
from lipdata.shards import read_ledger
from tests.lipdata.command_line import lipdata, lipdata_here

UNMATCHED = ["loose.mpg", "s1/bbaf2n.MP4", "s1/take2/bbaf2n.mpg", "s2 copy/bbbf6s.mpg", "session.mkv"]


@pytest.fixture(scope="module")
def corpus(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good clip, a text file named as a clip, and five videos beside and below the speakers' folders."""
    folder = tmp_path_factory.mktemp("unmatched") / "corpus"
    for path in ("s1/bbaf2n.mpg", *UNMATCHED):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clips / "s1" / "bbaf2n.mpg", folder / path)
    (folder / "s1" / "text.mpg").write_text("no film at all")
    (folder / "notes.txt").write_text("no media file")
    return folder


@pytest.fixture(scope="module")
def out(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shards of the corpus. Not to be changed."""
    folder = tmp_path_factory.mktemp("shards") / "shards"
    ran = lipdata("ingest", corpus, "-o", folder, "-j", 1, "--max-failed", 1, "--strict")
    assert ran.returncode == 1, ran.stderr  # one failed and five unmatched
    lines = ran.stdout.splitlines()
    assert lines[0] == "found 2 = ok 1 + failed 1"
    assert f"unmatched 5 media files fit no layout: {', '.join(UNMATCHED[:3])}, ..." in lines
    assert f"each of them: {folder}/ledger.csv" in lines
    return folder


def test_each_has_a_row_in_the_ledger(out: Path) -> None:
    table = read_ledger(out / "ledger.csv")
    assert table.status.value_counts().to_dict() == {"unmatched": 5, "ok": 1, "failed": 1}
    unmatched = table[table.status == "unmatched"]
    assert unmatched.clip_id.tolist() == UNMATCHED
    assert set(unmatched.stage) == {"layout"} and unmatched.reason.str.startswith("a media file whose path").all()
    assert (unmatched.n_frames == 0).all() and (unmatched.shard == "").all()


def test_they_are_no_clips(out: Path) -> None:
    shards = api.open(out)
    assert list(shards) == ["s1/bbaf2n"]
    assert shards.clips[["clip_id", "status"]].values.tolist() == [["s1/bbaf2n", "ok"], ["s1/text", "failed"]]
    counts = json.loads((out / "dataset.json").read_text())
    assert (counts["found"], counts["ok"], counts["failed"], counts["unmatched"]) == (2, 1, 1, 5)
    checked = lipdata_here("check", out)
    assert checked.returncode == 0 and checked.stdout.strip().endswith("all well")
    info = json.loads(lipdata_here("info", out, "--json").stdout)
    assert (info["found"], info["unmatched"], info["unmatched_paths"]) == (2, 5, UNMATCHED[:3])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "status"),
    [((), 1), (("--max-failed", 1), 0), (("--max-failed", 5, "--strict"), 1), (("--max-failed", 6, "--strict"), 0)],
)
def test_with_strict_they_count_as_failed(
    corpus: Path, out: Path, tmp_path: Path, options: tuple[object, ...], status: int
) -> None:
    copied = shutil.copytree(out, tmp_path / "out")
    assert lipdata("ingest", corpus, "-o", copied, "-j", 1, *options).returncode == status


def test_one_more_is_found_when_the_command_is_given_again(
    corpus: Path, out: Path, clips: Path, tmp_path: Path
) -> None:
    more, copied = Path(shutil.copytree(corpus, tmp_path / "more")), Path(shutil.copytree(out, tmp_path / "out"))
    shutil.copy(clips / "s1" / "bbaf2n.mpg", more / "zuletzt.avi")
    api.ingest(more, copied, workers=1)
    table = read_ledger(copied / "ledger.csv")
    assert table[table.status == "unmatched"].clip_id.tolist() == [*UNMATCHED, "zuletzt.avi"]


def test_a_manifest_names_what_is_wanted(corpus: Path, clips: Path, tmp_path: Path) -> None:
    # With picture and sound in two files, neither of a known layout.
    (tmp_path / "m.csv").write_text(
        "clip_id,speaker,split,path,sha256,transcript,audio_path\ntake,,,session.mkv,,,loose.mpg\n"
    )
    shards = api.ingest(corpus, tmp_path / "out", manifest=tmp_path / "m.csv", workers=1)
    table = read_ledger(tmp_path / "out" / "ledger.csv")
    assert table[["clip_id", "status"]].values.tolist() == [["take", "ok"]]
    assert len(shards["take"]) == 75


@pytest.mark.slow
def test_a_path_that_reads_like_a_clip_id_or_like_another_path(clips: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    (corpus / "s1").mkdir(parents=True)
    # The stem of the first is "take.mp4": its clip id is the path of the second. The last two differ unprintably.
    for name in ("s1/take.mp4.mpg", "s1/take.mp4", "a\nb.mkv", "a\tb.mkv"):
        shutil.copy(clips / "s1" / "bbaf2n.mpg", corpus / name)
    for _ in range(2):  # made, and found done
        assert list(api.ingest(corpus, tmp_path / "out", workers=1)) == ["s1/take.mp4"]
        table = read_ledger(tmp_path / "out" / "ledger.csv")
        rows = sorted(zip(table.clip_id, table.status, strict=True))
        assert rows == [
            ("a?b.mkv", "unmatched"),
            ("a?b.mkv", "unmatched"),
            ("s1/take.mp4", "ok"),
            ("s1/take.mp4", "unmatched"),
        ]
    assert lipdata_here("check", tmp_path / "out").returncode == 0
    assert lipdata_here("info", tmp_path / "out").stdout.startswith("found 1 = ok 1 + failed 0\n")
