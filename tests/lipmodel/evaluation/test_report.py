"""evaluation.json and its table."""

import json
from dataclasses import replace

import pytest

from lipdata.atomic_files import sha256_of_file
from lipdata.errors import LipdataError
from lipmodel.evaluation.bootstrap import Mean
from lipmodel.evaluation.report import NOT_SYNCNETS, read_evaluation
from lipmodel.weights import shipped_weights


def test_json_is_read_back_as_it_was(folder, found):
    path = folder / "first" / "evaluation.json"
    json.loads(path.read_text(), parse_constant=pytest.fail)  # no NaN, no Infinity
    assert read_evaluation(path) == found
    with pytest.raises(LipdataError, match=r"is no evaluation .* remove it"):
        read_evaluation(folder / "config.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table["videos"].pop("model"),
        lambda table: table["videos"]["model"].pop("sync_distance"),  # written before there was that column
        lambda table: table["videos"]["model"]["lmd"].update(mean="x"),
    ],
)
def test_a_strangers_evaluation_is_refused(folder, found, tmp_path, change):
    table = json.loads((folder / "first" / "evaluation.json").read_text())
    change(table)
    (tmp_path / "evaluation.json").write_text(json.dumps(table))
    with pytest.raises(LipdataError, match="is no evaluation of this lipmodel"):
        read_evaluation(tmp_path / "evaluation.json")


def test_corpus_that_the_paper_does_not_have(found):
    assert "The paper has no numbers for corpus 'other'." in replace(found, corpus="other").lines(paper=True)


def test_the_table_says_whose_sync_distance_it_is(found):
    lines = found.lines()
    header, _, *rows = "\n".join(lines).split("\n\n")[1].splitlines()
    assert "| sync distance |" in " ".join(header.split()) and "| sync confidence |" in " ".join(header.split())
    assert [row.split("|")[1].strip() for row in rows] == ["ground truth", "still", "model"]
    assert NOT_SYNCNETS in lines and not any("have no sync" in line for line in lines)
    assert found.versions["sync.safetensors"] == sha256_of_file(shipped_weights("sync"))


@pytest.mark.parametrize("known", [0, 1])
def test_clips_without_a_sync_distance_are_counted(found, known):
    none = {name: Mean(0.5 if known else None, None, None, known) for name in ("sync_distance", "sync_confidence")}
    lines = replace(found, videos={video: means | none for video, means in found.videos.items()}).lines()
    assert any(line.startswith(f"{2 - known} of 2 clips have no sync distance and confidence: ") for line in lines)
    assert (NOT_SYNCNETS in lines) == bool(known)
