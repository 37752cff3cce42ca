"""One good clip among all kinds of bad ones: found = ok + failed, each with stage and reason, the good one unharmed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import lipdata as api
from lipdata.analysis import check_path
from lipdata.media import decode_clip
from lipdata.shards import read_ledger
from lipdata.shards.schema import PER_CLIP, per_frame
from tests.conftest import encode
from tests.lipdata.command_line import lipdata

MPEG = ("-c:v", "mpeg1video", "-q:v", "2", "-c:a", "mp2")
EXPECTED = {
    "text": ("media", "no picture in it"),
    "empty": ("media", "no picture in it"),
    "stub": ("media", ""),
    "mute": ("media", "no sound in it"),
    "faceless": ("lips", "no face in frames 0 to 19 of 20"),
    "short": ("media", "8 frames; a window needs 16"),
    "leaving": ("lips", "no face in frames 17 to 24 of 25"),
    "outside": ("manifest", "s1/outside.mpg is a link that leaves the corpus folder"),
}


@pytest.fixture(scope="module")
def broken(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GRID's layout; ``good`` is the clip s1/bbaf2n."""
    corpus = tmp_path_factory.mktemp("broken") / "corpus"
    folder = corpus / "s1"
    folder.mkdir(parents=True)
    good = clips / "s1" / "bbaf2n.mpg"
    clip = decode_clip(good, fps=25, sample_rate_hz=44100)
    shutil.copy(good, folder / "good.mpg")
    (folder / "text.mpg").write_text("no film at all")
    (folder / "empty.mpg").write_bytes(b"")
    content = good.read_bytes()
    (folder / "truncated.mpg").write_bytes(content[: len(content) // 2])
    (folder / "stub.mpg").write_bytes(content[: len(content) // 20])
    encode(folder / "mute.mpg", clip.frames, None, options=("-c:v", "mpeg1video"))
    encode(folder / "faceless.mpg", np.full_like(clip.frames[:20], 90), clip.sound[: 20 * 1764], options=MPEG)
    encode(folder / "short.mpg", clip.frames[:8], clip.sound[: 8 * 1764], options=MPEG)
    leaving = np.where(np.arange(25)[:, None, None, None] > 16, 0, clip.frames[:25])
    encode(folder / "leaving.mpg", leaving, clip.sound[: 25 * 1764], options=MPEG)
    (folder / "folder.mpg").mkdir()
    (folder / "outside.mpg").symlink_to(good)
    return corpus


def test_every_bad_clip_is_named_and_the_good_one_unharmed(broken: Path, grid_shards: Path, tmp_path: Path) -> None:
    ran = lipdata("ingest", broken, "-o", tmp_path / "out", "-j", 2)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    table = read_ledger(tmp_path / "out" / "ledger.csv").set_index("clip_id")
    assert "found 10 = ok 2 + failed 8" in ran.stdout
    assert table.status.value_counts().to_dict() == {"ok": 2, "failed": 8}
    for stem, (stage, reason) in EXPECTED.items():
        row = table.loc[f"s1/{stem}"]
        assert (row.status, row.stage) == ("failed", stage), (stem, row.to_dict())
        assert str(row.reason).startswith(reason), (stem, row.reason)
    truncated = table.loc["s1/truncated"]
    assert truncated.reason.startswith("decoder complained")
    assert truncated.status == "ok" and 30 <= truncated.n_frames < 45
    good, alone = api.open(tmp_path / "out")["s1/good"], api.open(grid_shards)["s1/bbaf2n"]
    assert good.sha256 == alone.sha256
    for name in (*per_frame(alone.features), *PER_CLIP):
        np.testing.assert_array_equal(good.array(name), alone.array(name))
    assert check_path(tmp_path / "out") == []


@pytest.mark.slow
def test_fail_fast_stops_at_the_first_failure(broken: Path, tmp_path: Path) -> None:
    ran = lipdata("ingest", broken, "-o", tmp_path / "out", "-j", 1, "--fail-fast")
    assert ran.returncode == 1
    # On a busy machine joblib's resource tracker may add a warning below.
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("lipdata: ")]
    assert line.startswith("lipdata: s1/empty failed: media: no picture in it") and "Traceback" not in ran.stderr
