"""evaluation.json and its table."""

import json
from dataclasses import replace

import pytest

from lipdata.errors import LipdataError
from lipmodel.evaluation.report import read_evaluation


def test_json_is_read_back_as_it_was(folder, found):
    path = folder / "first" / "evaluation.json"
    json.loads(path.read_text(), parse_constant=pytest.fail)  # no NaN, no Infinity
    assert read_evaluation(path) == found
    with pytest.raises(LipdataError, match=r"is no evaluation .* remove it"):
        read_evaluation(folder / "config.json")


@pytest.mark.parametrize(
    "change",
    [lambda table: table["videos"].pop("model"), lambda table: table["videos"]["model"]["lmd"].update(mean="x")],
)
def test_a_strangers_evaluation_is_refused(folder, found, tmp_path, change):
    table = json.loads((folder / "first" / "evaluation.json").read_text())
    change(table)
    (tmp_path / "evaluation.json").write_text(json.dumps(table))
    with pytest.raises(LipdataError, match="is no evaluation of this lipmodel"):
        read_evaluation(tmp_path / "evaluation.json")


def test_corpus_that_the_paper_does_not_have(found):
    assert "The paper has no numbers for corpus 'other'." in replace(found, corpus="other").lines(paper=True)
