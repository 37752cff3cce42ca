"""lipmodel generate."""

import pytest

from tests.lipmodel.cli.calls import call, fails
from tests.lipmodel.media_files import write_crop, write_speech


def test_the_command(random_run, shards_folder, tmp_path):
    crop, speech = write_crop(tmp_path / "crop.png"), write_speech(tmp_path / "speech.wav", 0.64)
    out = tmp_path / "out.mp4"
    done = call("generate", random_run, "--image", crop, "--audio", speech, "--best", "-o", out)
    assert done.exit_code == 0 and "of step 1" in done.stdout
    assert done.stdout.endswith(f"next: ffplay {out}\n")
    shown = call("generate", random_run, "--clip", shards_folder, "s1/b", "-o", out, "--overwrite")
    assert shown.exit_code == 0 and "24 frames" in shown.stdout and shown.stdout.endswith(f"next: ffplay {out}\n")


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ([], "Give --image PHOTO and --audio SPEECH, or --clip SHARDS ID"),
        (["--image", "a.png"], "Give --image PHOTO and --audio SPEECH"),
        (["--audio", "a.wav", "--face"], "Give --image PHOTO and --audio SPEECH"),
        (["--clip", "shards", "s1/a", "--image", "a.png"], "leave out --image, --audio and --face"),
        (["--clip", "shards", "s1/a", "--audio", "a.wav"], "leave out --image, --audio and --face"),
        (["--clip", "shards", "s1/a", "--face"], "leave out --image, --audio and --face"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, given, match):
    result = call("generate", tmp_path, *given, "-o", tmp_path / "out.mp4")
    assert result.exit_code == 2 and result.stdout == ""
    assert match in result.stderr and result.stderr.count("\n") == 1


def test_mistakes_of_generate(tmp_path):
    given = ["--image", tmp_path / "a.png", "--audio", tmp_path / "a.wav", "-o", tmp_path / "out.mp4"]
    fails(call("generate", tmp_path, *given), "is no run folder")
