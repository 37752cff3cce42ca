"""``--landmarks``: what dlib found in real clips, given back from files, makes the same shard; mistakes fail a clip."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lipdata as api
from lipdata.config import Pipeline
from lipdata.errors import LipdataError
from lipdata.face import Track, open_detector
from lipdata.media import decode_clip
from lipdata.shards import read_ledger
from lipdata.shards.schema import PER_CLIP, per_frame
from tests.lipdata.command_line import lipdata, lipdata_here, require_one_line

CLIP_IDS = ("s1/bbaf2n", "s23/lrwp9a")
HEADER = "clip_id,speaker,split,path,sha256,transcript\n"


@pytest.fixture(scope="module")
def tracks(clips: Path, setup: Pipeline) -> dict[str, Track]:
    """dlib's own."""
    frames = {name: decode_clip(clips / f"{name}.mpg", fps=25, sample_rate_hz=44100).frames for name in CLIP_IDS}
    return {name: open_detector().track(name, of_clip, setup.lips) for name, of_clip in frames.items()}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("manifest") / "two.csv"
    path.write_text(HEADER + "".join(f"{name},{name.split('/')[0]},,{name}.mpg,,\n" for name in CLIP_IDS))
    return path


@pytest.fixture(scope="module")
def folder(tracks: dict[str, Track], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of CLIP_ID.npy."""
    folder = tmp_path_factory.mktemp("landmarks")
    for name, track in tracks.items():
        (folder / name).parent.mkdir(exist_ok=True)
        np.save(folder / f"{name}.npy", track.points)
    return folder


@pytest.fixture(scope="module")
def archive(tracks: dict[str, Track], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One .npz with an array a clip id."""
    path = tmp_path_factory.mktemp("archive") / "landmarks.npz"
    np.savez(path, **{name: track.points for name, track in tracks.items()})
    return path


@pytest.mark.parametrize("kind", ["folder", pytest.param("archive", marks=pytest.mark.slow)])
def test_dlibs_landmarks_from_files_make_the_arrays_that_dlib_makes(
    kind: str, clips: Path, manifest: Path, grid_shards: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ran = lipdata(
        *("ingest", clips, "-o", tmp_path / "out", "--manifest", manifest, "-j", 1),
        *("--landmarks", request.getfixturevalue(kind)),
    )
    assert ran.returncode == 0, ran.stderr
    shards, by_dlib = api.open(tmp_path / "out"), api.open(grid_shards)
    assert tuple(shards) == CLIP_IDS
    for clip_id, clip in shards.items():
        for name in (*per_frame(clip.features), *PER_CLIP):
            np.testing.assert_array_equal(clip.array(name), by_dlib[clip_id].array(name))
    # Measured in every frame, so far as the file says.
    assert (read_ledger(tmp_path / "out" / "ledger.csv").faces_detected == 75).all()


def test_frames_without_a_face_are_interpolated(clips: Path, tracks: dict[str, Track], tmp_path: Path) -> None:
    points = tracks["s1/bbaf2n"].points.copy()
    points[30:33] = np.nan
    np.save(tmp_path / "bbaf2n.npy", points)
    clip = api.load_clip(clips / "s1" / "bbaf2n.mpg", landmarks=tmp_path)
    assert np.flatnonzero(~clip.tracked).tolist() == [30, 31, 32]
    points[30:36] = np.nan
    (tmp_path / "long").mkdir()
    np.save(tmp_path / "long" / "bbaf2n.npy", points)
    with pytest.raises(api.ClipError, match="lips: no face in frames 30 to 35 of 75; longest gap allowed: 5"):
        api.load_clip(clips / "s1" / "bbaf2n.mpg", landmarks=tmp_path / "long")


class Harmful:
    """Unpickled, it would leave a file behind."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.target,)


def test_each_mistake_is_one_reason_in_the_ledger(clips: Path, tracks: dict[str, Track], tmp_path: Path) -> None:
    points, folder = tracks["s1/bbaf2n"].points, tmp_path / "landmarks"
    folder.mkdir()
    np.save(tmp_path / "outside.npy", points)
    (folder / "linked.npy").symlink_to(tmp_path / "outside.npy")
    np.save(folder / "good.npy", points)
    np.save(folder / "points.npy", points[:, :67])
    np.save(folder / "frames.npy", points[:70])
    np.save(folder / "flat.npy", points.reshape(75, 136))
    np.save(folder / "names.npy", points.astype(str))
    np.save(folder / "pickled.npy", np.array([Harmful(tmp_path / "harm")], object), allow_pickle=True)
    (folder / "text.npy").write_text("no array")
    wanted = {
        "../outside": "its landmarks would lie outside landmarks",
        "flat": "landmarks of shape (75, 136); allowed: frames x 68 x 2",
        "frames": "its landmarks in landmarks are float32 (70, 68, 2); the clip has 75 frames",
        "good": "",
        "linked": "its landmarks would lie outside landmarks",
        "missing": "no landmarks of it in landmarks",
        "names": "its landmarks in landmarks are <U",
        "pickled": "its landmarks in landmarks are no plain .npy array",
        "points": "landmarks of shape (75, 67, 2); allowed: frames x 68 x 2",
        "text": "its landmarks in landmarks are no plain .npy array",
    }
    (tmp_path / "m.csv").write_text(HEADER + "".join(f"{clip_id},,,s1/bbaf2n.mpg,,\n" for clip_id in wanted))
    api.ingest(clips, tmp_path / "out", manifest=tmp_path / "m.csv", landmarks=folder, workers=2)
    table = read_ledger(tmp_path / "out" / "ledger.csv").set_index("clip_id")
    assert sorted(table.index) == sorted(wanted)
    for clip_id, reason in wanted.items():
        row = table.loc[clip_id]
        assert (row.status, row.stage) == (("failed", "lips") if reason else ("ok", "")), clip_id
        assert row.reason.startswith(reason) and "\n" not in row.reason, (clip_id, row.reason)
    assert not (tmp_path / "harm").exists()


def test_a_run_does_not_go_on_with_other_landmarks(
    clips: Path, manifest: Path, folder: Path, archive: Path, tmp_path: Path
) -> None:
    options = {"manifest": manifest, "workers": 1}
    api.ingest(clips, tmp_path / "out", landmarks=folder, **options)
    before = (tmp_path / "out" / "dataset.json").read_bytes()
    for other in (archive, None):
        with pytest.raises(LipdataError, match="begun with another pipeline or landmark predictor.*--overwrite"):
            api.ingest(clips, tmp_path / "out", landmarks=other, **options)
    api.ingest(clips, tmp_path / "out", landmarks=folder, **options)
    assert (tmp_path / "out" / "dataset.json").read_bytes() == before
    # Nor where a file of the same folder has changed, in the same process too.
    changed = Path(shutil.copytree(folder, tmp_path / "changed"))
    api.ingest(clips, tmp_path / "out", landmarks=changed, **options)
    np.save(changed / f"{CLIP_IDS[0]}.npy", np.load(changed / f"{CLIP_IDS[0]}.npy") + 1)
    with pytest.raises(LipdataError, match="begun with another pipeline or landmark predictor"):
        api.ingest(clips, tmp_path / "out", landmarks=changed, **options)


@pytest.mark.parametrize("name", ["none", "text.npz"])
def test_what_holds_no_landmarks_is_one_line(clips: Path, tmp_path: Path, name: str) -> None:
    if name != "none":
        (tmp_path / name).write_text("no landmarks")
    ran = lipdata_here("ingest", clips, "-o", tmp_path / "out", "--landmarks", tmp_path / name)
    require_one_line(ran, name)
    assert not (tmp_path / "out").exists()


def test_landmarks_that_change_during_a_run_are_refused(
    clips: Path, manifest: Path, folder: Path, tmp_path: Path
) -> None:
    mine = Path(shutil.copytree(folder, tmp_path / "points"))

    def change(done: int, failed: int, total: int) -> None:
        (mine / "another.npy").write_bytes(b"")

    with pytest.raises(LipdataError, match="changed during the run"):
        api.ingest(clips, tmp_path / "out", manifest=manifest, landmarks=mine, workers=1, progress=change)
    assert not (tmp_path / "out" / "dataset.json").exists()
