"""lipmodel evaluate."""

import json

from tests.lipmodel.cli.calls import call, fails


def test_the_command(random_run, shards_folder, tmp_path):
    command = ["evaluate", random_run, shards_folder, "--split", "val", "-j", 1, "-o", tmp_path / "out"]
    done = call(*command, "--paper")
    assert done.exit_code == 0, done.output
    for part in ("| ground truth ", "| still ", "| model ", "| paper: chung ", "1.18", "next: lipmodel"):
        assert part in done.stdout
    fails(call(*command), "evaluation.json already", "--overwrite")
    shown = call(*command, "--overwrite", "--json")
    assert json.loads(shown.stdout) == json.loads((tmp_path / "out" / "evaluation.json").read_text())
