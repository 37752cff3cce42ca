"""The page about a shard folder, opened in a real browser."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from lipdata.config import Pipeline
from lipdata.corpus import ManifestRow
from lipdata.ingestion import ingest_rows
from lipdata.shards import open_shards, read_ledger, summarise
from tests.lipdata.analysis.changed import changed, edit_ledger, write_page

HOSTILE_ID = 's1/<script>document.title="x"</script>'
HOSTILE_REASON = '</td></table><img src="http://localhost:9/x.png" onerror="alert(1)">&amp;\'{{ 7 * 7 }}'


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), pytest.param(1280, "light", marks=pytest.mark.slow)])
def test_the_page_opens_in_a_browser(
    made: Path, tmp_path: Path, open_page: Callable[..., Page], width: int, scheme: str
) -> None:
    write_page(made, tmp_path / "report.html")
    page = open_page(tmp_path / "report.html", width, color_scheme=scheme)
    pictures = page.eval_on_selector_all(
        "img", "all => all.map(i => [i.complete, i.naturalWidth, i.alt, i.closest('figure')?.className])"
    )
    assert len(pictures) == 4 + 2, "four samples, the wheel, the histogram"
    assert all(complete and natural > 0 and alt for complete, natural, alt, _ in pictures)
    reason = read_ledger(made / "ledger.csv").set_index("clip_id").reason["t2/text"]
    assert reason.startswith("no picture in it")
    assert page.locator("#failed-clips tbody tr").all_inner_texts() == [f"t2/text\tmedia\t{reason}"]
    assert "5 clips found = 4 ok + 1 failed" in page.locator("header").inner_text()
    tiles = dict(zip(*(page.locator(f".tile {tag}").all_inner_texts() for tag in ("dt", "dd")), strict=True))
    summary = summarise(made)
    assert tiles["windows of 16 frames"] == str(summary.windows) and tiles["speakers"] == "3"
    speakers = [
        line.split()[:2] for line in page.locator("#speakers table").first.locator("tbody tr").all_inner_texts()
    ]
    assert speakers == [["t1", "2"], ["t2", "1"], ["t3", "1"]]
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing hangs over the edge"


def test_strangers_texts_stay_texts(made: Path, tmp_path: Path, open_page: Callable[..., Page]) -> None:
    victim = open_shards(made)[0].clips[0].clip_id
    folder = changed(
        made, tmp_path / "shards", lambda clip: replace(clip, clip_id=HOSTILE_ID) if clip.clip_id == victim else clip
    )
    edit_ledger(folder, HOSTILE_ID, reason=HOSTILE_REASON)
    edit_ledger(folder, "t2/text", reason=HOSTILE_REASON)
    write_page(folder, tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")
    assert page.locator("#failed-clips td.text").all_inner_texts() == [HOSTILE_REASON]
    assert page.locator("#flagged-clips th.id").all_inner_texts() == [HOSTILE_ID]
    assert page.locator("#flagged-clips td.text").all_inner_texts() == [f"damage {HOSTILE_REASON}"]
    assert HOSTILE_ID in page.locator("#samples figcaption .id").all_inner_texts()
    assert page.locator("script").count() == 0 and page.title() == "shards: lipdata report"
    assert all(
        source.startswith("data:image/") for source in page.eval_on_selector_all("img", "a => a.map(i => i.src)")
    )


def test_a_folder_in_which_every_clip_failed(setup: Pipeline, tmp_path: Path, open_page: Callable[..., Page]) -> None:
    (tmp_path / "text.mpg").write_text("no film at all")
    ingest_rows(tmp_path, [ManifestRow("s1/a", "s1", "", "text.mpg")], tmp_path / "s", setup)
    assert write_page(tmp_path / "s", tmp_path / "report.html") == (0, 1)
    page = open_page(tmp_path / "report.html")
    (failed,) = page.locator("#failed-clips tbody tr").all_inner_texts()
    assert failed.startswith("s1/a\tmedia\tno picture in it")
    assert page.locator("#samples").inner_text().endswith("No clip is ok: there is nothing to show.")
