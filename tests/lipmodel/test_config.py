"""config.json: written, read back, refused."""

import json
from dataclasses import replace

import pytest

from lipdata.errors import LipdataError
from lipmodel.config import load_run, save_run


def test_a_run_survives_its_file(run_of, tmp_path):
    _, run = run_of()
    save_run(tmp_path, run)
    assert load_run(tmp_path) == run


def test_a_file_of_another_version_is_refused(run_of, tmp_path):
    save_run(tmp_path, run_of()[1])
    path = tmp_path / "config.json"
    table = json.loads(path.read_text())
    for changed in (table | {"colour": 1}, table | {"adam": {"speed": 1}}, [], table | {"pipeline": {}}):
        path.write_text(json.dumps(changed))
        with pytest.raises(LipdataError, match="of another version of lipmodel"):
            load_run(tmp_path)
    path.write_text("{")
    with pytest.raises(LipdataError, match="cannot be read"):
        load_run(tmp_path)


def test_a_file_of_an_earlier_version_is_read(run_of, tmp_path):
    """Before shards could store other features, a pipeline named neither them nor the detector; a run no sync."""
    _, run = run_of(variant="vondrick")
    save_run(tmp_path, run)
    table = json.loads((tmp_path / "config.json").read_text())
    del table["pipeline"]["lips"]["detector"], table["pipeline"]["shards"]["features"]
    names = ("corr", "pixel", "perc", "gen", "first", "lambda_p", "lambda_u")
    table["weights"] = dict(zip(names, (0, 0, 0, 1, 10, 0.5, 0.5), strict=True))
    del table["steps"]["sync"]
    (tmp_path / "config.json").write_text(json.dumps(table))
    assert load_run(tmp_path) == replace(run, weights=table["weights"])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"pixel": -1.0}, "weight pixel is -1.0; allowed: 0 or a finite number above"),
        ({"pixel": "1"}, "weight pixel is '1'"),
        ({"pixel": True}, "weight pixel is True"),
        ([1.0], "weights is .1.0.; allowed: dict"),
    ],
)
def test_weights_of_another_kind_are_refused(run_of, tmp_path, weights, message):
    _, run = run_of()
    save_run(tmp_path, run)
    table = json.loads((tmp_path / "config.json").read_text())
    table["weights"] = table["weights"] | weights if isinstance(weights, dict) else weights
    (tmp_path / "config.json").write_text(json.dumps(table))
    with pytest.raises(LipdataError, match=message):
        load_run(tmp_path)


def test_a_missing_weight_is_refused(run_of, tmp_path):
    _, run = run_of()
    save_run(tmp_path, run)
    table = json.loads((tmp_path / "config.json").read_text())
    del table["weights"]["gen"]
    (tmp_path / "config.json").write_text(json.dumps(table))
    with pytest.raises(LipdataError, match="of another version of lipmodel: the weight gen is missing"):
        load_run(tmp_path)
