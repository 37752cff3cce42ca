import json

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
