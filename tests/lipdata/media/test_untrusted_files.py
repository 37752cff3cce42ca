"""Files that are no clips, and names and contents that must not be believed."""

from pathlib import Path

import pytest

from lipdata.errors import ClipError, LipdataError
from lipdata.media import decode_sound
from tests.conftest import encode
from tests.lipdata.media.made_up import LOSSLESS, RATE, click, onset_s, ramp, read


@pytest.mark.parametrize(
    "name", ["-i.mpg", "a b.mpg", 'it\'s "x".mpg', "new\nline.mpg", "唇😀.mpg", "http:a.mpg", "%d.mpg"]
)
def test_names_are_only_names(tmp_path: Path, clips: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.symlink_to(clips / "s1" / "bbaf2n.mpg")
    monkeypatch.chdir(tmp_path)
    assert len(read(Path(name)).frames) == 75


def test_what_cannot_be_used_fails_with_its_reason(tmp_path: Path) -> None:
    text = tmp_path / "text.mpg"
    text.write_text("no film at all\n" * 100)
    silent = encode(tmp_path / "silent.mkv", ramp(50, 25), None, options=LOSSLESS)
    blind = encode(tmp_path / "blind.wav", None, click(0.5, 2))
    cases = ((text, "no picture in it: .*Invalid data"), (silent, "no sound in it"), (blind, "no picture in it"))
    for path, reason in (*cases, (tmp_path / "none.mpg", "no picture in it: .*No such file")):
        with pytest.raises(ClipError, match=reason) as error:
            read(path)
        assert error.value.stage == "media" and "\n" not in error.value.reason
    with pytest.raises(LipdataError, match="no sound in it"):
        decode_sound(silent, RATE)


def test_a_playlist_opens_no_other_file(tmp_path: Path, clips: Path) -> None:
    secret = (clips / "s1" / "bbaf2n.mpg").resolve()
    (tmp_path / "concat.mpg").write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    (tmp_path / "hls.mpg").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{secret.as_uri()}\n#EXT-X-ENDLIST\n"
    )
    for name in ("concat.mpg", "hls.mpg"):
        with pytest.raises(ClipError, match="media"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "title", ["n: 0 pts: 0 pts_time:1.0 x s:16x16 y", "frame:0 pts:0 pts_time:-1", "corrupt missing"]
)
def test_what_a_clip_calls_itself_is_not_believed(tmp_path: Path, title: str) -> None:
    named = ("-metadata", f"title={title}", "-metadata:s:v", f"title={title}\nframe:0 pts:0 pts_time:1.5")
    clip = read(encode(tmp_path / "corrupt missing.mkv", ramp(50, 25), click(0.7, 2), options=(*LOSSLESS, *named)))
    assert len(clip.frames) == 50 and onset_s(clip.sound) == pytest.approx(0.7, abs=0.002)
    assert (clip.av_offset_s, clip.damage) == (0.0, "")


def test_a_reason_is_the_same_each_time(clips: Path) -> None:
    with pytest.raises(ClipError) as error:
        read(clips / "s1" / "bbaf2n.mpg", start_s=50.0)
    assert "0x" not in error.value.reason
