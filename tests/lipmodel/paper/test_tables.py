"""Tables 2 and 3 beside the paper's numbers."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from lipmodel.evaluation.published import TABLE_3
from lipmodel.evaluation.report import read_evaluation
from lipmodel.paper.tables import table_2, table_3


@pytest.mark.slow
def test_table_2_has_the_papers_matrix_and_numbers(found_by_variant):
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table_2(found_by_variant).splitlines()]
    ours = {line[0]: line[3:12] for line in lines}
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


@pytest.mark.slow
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


MATRIX = {
    "l_pix": "x.xxxxxxxxx",
    "l_perc": "xx.xxxxxxxx",
    "l_corr, derivative": "xxx.x.x.x..",
    "l_corr, non-derivative": ".....x.....",
    "l_sync": ".........x.",
    "l_expert": "..........x",
    "l_gen, three-stream": ".xxxxx...xx",
    "l_gen, two-stream": "......xx...",
    "l_gen, frame difference": "........x..",
}


def cells(table):
    """The cells of a Markdown table, the rule under its heading left out."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]
    return [line for line in lines if set(line[0]) != {"-"}]


def test_table_2_names_the_parts_of_every_variant(found_by_variant):
    header, *lines = cells(table_2(found_by_variant))
    assert header == ["", "ground truth", "still", *"abcdefghijk"]
    rows = {line[0]: line[3:] for line in lines}
    for name, marks in MATRIX.items():
        assert rows[name] == [mark.replace(".", "") for mark in marks], name
    assert rows["SSIM paper"] == [
        "0.770",
        "0.710",
        "0.720",
        "0.700",
        "0.730",
        "0.520",
        "0.680",
        "0.590",
        "0.660",
        "",
        "",
    ]


def test_table_3_has_ours_beside_the_papers(found_by_variant):
    found = {variant: replace(found_by_variant["e"], variant=variant) for variant in ("vondrick", "chung", "e")}
    header, *lines = cells(table_3(found))
    rows = {line[0]: dict(zip(header, line, strict=True)) for line in lines}
    assert list(rows) == ["ground truth", "still", "Vondrick et al.", "Chung et al.", "full model"]
    assert [row["PSNR uint8 paper"] for row in rows.values()] == ["", "", "28.45", "29.36", "29.89"]
    assert [row["LMD template paper"] for row in rows.values()] == ["0.00", "", "2.38", "1.35", "1.18"]
    assert rows["ground truth"]["SSIM"] == "1.000" and rows["full model"]["SSIM"] == rows["Chung et al."]["SSIM"]


def papers_table(heading):
    """The cells of a table of the notes, where they are at hand."""
    notes = Path(__file__).parents[4] / "shared" / "paper" / "tables-and-notes.md"
    if not notes.exists():
        pytest.skip(f"no notes at {notes}")
    text = notes.read_text().split(heading)[1].split("\n## ")[0].replace("**", "")
    return cells(text)


@pytest.fixture
def found_by_variant(out):
    found = read_evaluation(out / "e" / "evaluation-val" / "evaluation.json")
    return {variant: replace(found, variant=variant) for variant in "abcdefghijk"}


def test_csv_holds_every_measure_of_every_video(out):
    table = pd.read_csv(out / "table2.csv")
    assert list(table.video.unique()) == ["ground truth", "still", "d", "e"]
    assert len(table) == 4 * 8
    assert (out / "table2.md").read_text().startswith("Each variant: preset tiny, seed 0, 3 steps of 2 windows")
