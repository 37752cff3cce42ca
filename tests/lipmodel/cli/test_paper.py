"""lipmodel ablate and compare."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from lipmodel.cli import main

OPTIONS = ["--preset", "tiny", "--steps", "3", "--flow-steps", "2", "--autoencoder-steps", "2", "--batch", "2"]


@pytest.mark.slow
def test_compare_writes_table_3_beside_the_papers_numbers(shards_folder, tmp_path):
    options = ["-o", str(tmp_path / "out"), "--split", "val", *OPTIONS]
    done = CliRunner().invoke(main, ["compare", str(shards_folder), *options])
    assert done.exit_code == 0, done.output
    table = (tmp_path / "out" / "table3.md").read_text()
    assert table.splitlines()[2:] == done.stdout.splitlines()[: len(table.splitlines()) - 2]
    lines = {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("|")}
    for video, published in (("Vondrick et al.", "2.38"), ("Chung et al.", "1.35"), ("full model", "29.89")):
        assert published in lines[video]
    assert {"ground truth", "still"} < lines.keys()


@pytest.mark.slow
def test_ablate_continues_after_a_kill(shards_folder, tmp_path):
    options = [str(shards_folder), "-o", str(tmp_path / "out"), "--split", "val", *OPTIONS]
    command = [sys.executable, "-m", "lipmodel", "ablate", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        next(line for line in process.stderr if line.startswith("variant c (3 of 11): learning"))
        process.kill()
    done = CliRunner().invoke(main, ["ablate", *options])
    assert done.exit_code == 0, done.output
    assert "variant b" not in done.stderr and "variant k (11 of 11)" in done.stderr
    header, _, pixel, *_ = (tmp_path / "out" / "table2.md").read_text().splitlines()[2:]
    assert [cell.strip() for cell in header.split("|")][2:-1] == ["ground truth", "still", *"abcdefghijk"]
    assert [cell.strip() for cell in pixel.split("|")][1:-1] == ["l_pix", "", "", "x", "", *"xxxxxxxxx"]
