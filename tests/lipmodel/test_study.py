import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from safetensors.torch import load_file

from lipdata.corpus.manifest import read_manifest, write_manifest
from lipdata.errors import LipdataError
from lipmodel.cli.main import main
from lipmodel.evaluation.published import TABLE_3
from lipmodel.evaluation.report import read_evaluation
from lipmodel.paper.experiments import ABLATION, COMPARISON, Experiment, run_experiment
from lipmodel.paper.tables import table_2
from lipmodel.training.options import FitOptions
from lipmodel.training.run_folder import newest_weights

STEPS = {"flow": 2, "autoencoder": 2, "gan": 3}
OPTIONS = ["--preset", "tiny", "--steps", "3", "--flow-steps", "2", "--autoencoder-steps", "2", "--batch", "2"]
TWO = Experiment("table2", ("d", "e"), table_2)


def wish(shards, out, **changes):
    return FitOptions(**{"shards": shards, "out": out, "preset": "tiny", "batch": 2, "steps": STEPS} | changes)


def weights(folder, stage):
    return load_file(newest_weights(folder, stage)[0])


def same(one, other):
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


@pytest.fixture(scope="module")
def out(shards_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("studies") / "out"
    run_experiment(TWO, wish(shards_folder, out), split="val", say=lambda _: None)
    return out


def test_studies_are_those_of_the_paper():
    assert "".join(ABLATION.variants) == "abcdefghi"
    assert COMPARISON.variants == ("vondrick", "chung", "e")


def test_shared_stages_are_what_a_variant_would_have_learnt_itself(out, shards_folder, tmp_path):
    alone = Experiment("alone", ("e",), table_2)
    run_experiment(alone, wish(shards_folder, tmp_path / "alone"), split="val", say=lambda _: None)
    for stage in ("flow", "autoencoder", "gan"):
        assert same(weights(out / "e", stage), weights(tmp_path / "alone" / "e", stage))


def test_what_is_done_is_not_done_again(out, shards_folder):
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/**/*") if path.is_file()}
    said = []
    run_experiment(TWO, wish(shards_folder, out), split="val", say=said.append)
    assert said == []
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_variant_that_is_gone_or_half_done_is_done_again(out, shards_folder, tmp_path):
    again = shutil.copytree(out, tmp_path / "again", symlinks=True)
    path, _ = newest_weights(again / "d", "gan")
    path.unlink()  # as if it had been stopped before its last checkpoint
    shutil.rmtree(again / "e")
    said = []
    run_experiment(TWO, wish(shards_folder, again), split="val", say=said.append)
    assert [line for line in said if "learning" in line] == [
        f"variant {variant} ({number} of 2): learning in {again / variant}" for number, variant in ((1, "d"), (2, "e"))
    ]
    for variant in "de":
        assert same(weights(again / variant, "gan"), weights(out / variant, "gan"))
    assert (again / "table2.csv").read_bytes() == (out / "table2.csv").read_bytes()


def test_other_seeds_or_fewer_steps_in_the_same_folder_are_refused(out, shards_folder):
    for changes, said in (({"seed": 1}, "seed 1 is asked for"), ({"steps": STEPS | {"gan": 2}}, "2 are asked for")):
        with pytest.raises(LipdataError, match=said):
            run_experiment(TWO, wish(shards_folder, out, **changes), split="val", say=lambda _: None)


def test_variants_that_would_learn_otherwise_are_refused_before_they_do(out, shards_folder, tmp_path):
    again = shutil.copytree(out, tmp_path / "again", symlinks=True)
    shutil.rmtree(again / "e")
    with pytest.raises(LipdataError, match="would learn with batch 4, .* with 2; give the options"):
        run_experiment(TWO, wish(shards_folder, again, batch=None), split="val", say=lambda _: None)
    assert not (again / "e").exists()


@pytest.mark.parametrize(
    ("changes", "split", "said"),
    [({"manifest": "nope.csv"}, "val", "nope.csv"), ({}, "tset", "no clip of split 'tset'")],
)
def test_what_would_stop_the_measuring_is_told_before_the_learning(shards_folder, tmp_path, changes, split, said):
    paths = {name: tmp_path / value for name, value in changes.items()}
    with pytest.raises(LipdataError, match=said):
        run_experiment(TWO, wish(shards_folder, tmp_path / "out", **paths), split=split, say=lambda _: None)
    assert not (tmp_path / "out").exists()


def test_other_splits_are_refused_and_other_shards_measured_anew(out, shards_folder, tmp_path):
    again = shutil.copytree(out, tmp_path / "again", symlinks=True)
    rows = read_manifest(shards_folder / "manifest.csv")
    other = tmp_path / "other.csv"
    write_manifest(other, [replace(row, split="val" if row.clip_id == "s1/a" else row.split) for row in rows])
    with pytest.raises(LipdataError, match="has learnt with the splits of"):
        run_experiment(TWO, wish(shards_folder, again, manifest=other), split="val", say=lambda _: None)
    fewer = shutil.copytree(shards_folder, tmp_path / "shards")
    (fewer / "grid-00000.h5").unlink()
    said = []
    run_experiment(TWO, wish(fewer, again), split="val", say=said.append)
    assert [line.split(": ")[1] for line in said] == ["measuring on split val"] * 2


def test_table_2_has_the_papers_matrix_and_numbers(found_by_variant):
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table_2(found_by_variant).splitlines()]
    ours = {line[0]: line[3:] for line in lines}
    theirs = {line[0]: line[1:] for line in papers_table("## Table 2")}
    names = {"l_corr, derivative": "l_corr (derivative)", "l_corr, non-derivative": "l_corr (non-derivative)"}
    names |= {f"l_gen, {kind}": f"l_gen {kind}" for kind in ("three-stream", "two-stream")}
    names |= {"l_gen, frame difference": "l_gen three-stream, frame difference", "l_pix": "l_pix", "l_perc": "l_perc"}
    for name, printed in names.items():
        assert ours[name] == theirs[printed], name
    numbers = {"LMD template paper": "LMD (lower is better)", "SSIM paper": "SSIM", "PSNR uint8 paper": "PSNR"}
    for name, printed in (numbers | {"CPBD paper": "CPBD"}).items():
        assert [float(cell) for cell in ours[name]] == [float(cell) for cell in theirs[printed]], name
    elsewhere = {name: replace(each, corpus="lrw") for name, each in found_by_variant.items()}
    assert "paper" not in table_2(elsewhere)


def test_table_3_has_the_papers_numbers():
    columns = {"GRID": "grid", "LDC": "ldc", "LRW": "lrw"}
    lines = papers_table("## Table 3")
    videos = ("ground truth", "vondrick", "chung", "e")
    for place, corpus in enumerate(columns.values(), start=1):
        for video, line in zip(videos, lines[1:], strict=True):
            lmd, ssim, psnr, cpbd = (cell.strip() for cell in line[place].split("/"))
            printed = {"lmd_template": lmd, "ssim": ssim, "psnr_uint8": psnr, "cpbd": cpbd}
            wanted = {name: float(cell) for name, cell in printed.items() if cell != "-"}
            assert TABLE_3[corpus][video] == wanted


def papers_table(heading):
    """The cells of a table of the notes, where they are at hand."""
    notes = Path(__file__).parents[3] / "shared" / "paper" / "tables-and-notes.md"
    if not notes.exists():
        pytest.skip(f"no notes at {notes}")
    text = notes.read_text().split(heading)[1].split("\n## ")[0].replace("**", "")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return [line for line in lines if set(line[0]) != {"-"}]


@pytest.fixture
def found_by_variant(out):
    found = read_evaluation(out / "e" / "evaluation-val" / "evaluation.json")
    return {variant: replace(found, variant=variant) for variant in "abcdefghi"}


def test_csv_holds_every_measure_of_every_video(out):
    table = pd.read_csv(out / "table2.csv")
    assert list(table.video.unique()) == ["ground truth", "still", "d", "e"]
    assert len(table) == 4 * 6
    assert (out / "table2.md").read_text().startswith("Each variant: preset tiny, seed 0, 3 steps of 2 windows")


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


def test_ablate_goes_on_after_a_kill(shards_folder, tmp_path):
    options = [str(shards_folder), "-o", str(tmp_path / "out"), "--split", "val", *OPTIONS]
    command = [sys.executable, "-m", "lipmodel", "ablate", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        next(line for line in process.stderr if line.startswith("variant c (3 of 9): learning"))
        process.kill()
    done = CliRunner().invoke(main, ["ablate", *options])
    assert done.exit_code == 0, done.output
    assert "variant b" not in done.stderr and "variant i (9 of 9)" in done.stderr
    header, _, pixel, *_ = (tmp_path / "out" / "table2.md").read_text().splitlines()[2:]
    assert [cell.strip() for cell in header.split("|")][2:-1] == ["ground truth", "still", *"abcdefghi"]
    assert [cell.strip() for cell in pixel.split("|")][1:-1] == ["l_pix", "", "", "x", "", *"xxxxxxx"]
