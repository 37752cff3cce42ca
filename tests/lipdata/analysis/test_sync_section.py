"""What a report says of sync.csv: which clips are worst, counts, and the page in a browser."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page

from lipdata.analysis.sync_section import ROWS, speaker_rows, worst_synced
from lipdata.shards import CONFIDENT_SD, SyncEntry, read_sync, write_sync
from tests.lipdata.analysis.changed import write_page
from tests.lipdata.sync_entries import entries_of

HOSTILE_REASON = '</td><img src="http://localhost:9/x.png" onerror="alert(1)">{{ 7 * 7 }}'


def test_the_worst_are_those_off_then_the_least_confident(tmp_path: Path) -> None:
    sure, unsure = CONFIDENT_SD + 5, CONFIDENT_SD - 1
    figures = {"a": (1.5, sure), "b": (-9.0, unsure), "c": (-4.0, sure), "d": (0.5, sure), "e": (1.0, unsure - 1)}
    figures |= {f"x{number:02}": (0.0, sure + 1) for number in range(30)}
    entries = [SyncEntry(name, "0" * 64, 25, 75, offset, 0.2, 0.4, sd) for name, (offset, sd) in figures.items()]
    write_sync(tmp_path / "sync.csv", entries)
    worst = worst_synced(read_sync(tmp_path / "sync.csv").sample(frac=1, random_state=0))
    assert worst == ["c", "a", "e", "b", "d", *(f"x{number:02}" for number in range(15))]


def test_too_many_speakers_share_a_row() -> None:
    few = pd.Series(["s1", "s2", "s2"])
    assert speaker_rows(few).tolist() == few.tolist()
    many = pd.Series(["last", "last", *(f"s{number:03}" for number in range(200))])
    rows = speaker_rows(many)
    assert rows.nunique() == ROWS and "last" in set(rows) and "s000" in set(rows)
    assert (rows == "others").sum() == 202 - 2 - (ROWS - 2)


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_section_opens_in_a_browser(
    copy_of_made: Path, tmp_path: Path, open_page: Callable[..., Page], width: int, scheme: str
) -> None:
    late, doubtful, silent, on_time = entries_of(copy_of_made)
    late = replace(late, offset_frames=3.25, offset_min=3.0, offset_max=3.5, moved_s=0.0)
    doubtful = replace(doubtful, confidence_sd=0.5, offset_min=None, offset_max=None)
    silent = SyncEntry(silent.clip_id, silent.sha256, 25, 75, reason=HOSTILE_REASON)
    write_sync(copy_of_made / "sync.csv", [late, doubtful, silent, on_time])
    write_page(copy_of_made, tmp_path / "report.html")
    page = open_page(tmp_path / "report.html", width, color_scheme=scheme)
    counts = [line.split("\t") for line in page.locator("#sync-counts tbody tr").all_inner_texts()]
    assert [line[:2] for line in counts] == [
        ["answered", "3"],
        ["beyond 1 frame", "1"],
        ["not confident", "1"],
        ["no answer", "1"],
    ]
    assert counts[3][2] == HOSTILE_REASON
    section = page.locator("#sync")
    assert section.locator("figcaption .id").all_inner_texts() == [
        late.clip_id,
        doubtful.clip_id,
        on_time.clip_id,
    ]
    shown = section.locator("figcaption").all_inner_texts()
    assert "offset +3.2 frames (+130 ms) · confidence 8.0 sd" in shown[0] and "windows +3.0 to +3.5" in shown[0]
    assert "sound late by 3.2 frames" in shown[0] and "windows" not in shown[1] and "sound" not in shown[2]
    pictures = section.locator("img")
    assert pictures.count() == 1 + 3
    assert pictures.evaluate_all("all => all.every(i => i.complete && i.naturalWidth > 0 && i.alt)")
    chart = section.locator(".chart img")
    assert chart.evaluate("i => i.currentSrc == i.src") == (scheme == "light")
    wanted = chart.evaluate("i => i.naturalWidth / i.naturalHeight / (i.width / i.height)")
    assert wanted == pytest.approx(1, abs=0.02), "not squeezed"
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing hangs over the edge"


def test_no_clip_has_an_answer(copy_of_made: Path, tmp_path: Path, open_page: Callable[..., Page]) -> None:
    write_sync(
        copy_of_made / "sync.csv",
        [SyncEntry(entry.clip_id, entry.sha256, 25, 75, reason="too still") for entry in entries_of(copy_of_made)],
    )
    write_page(copy_of_made, tmp_path / "report.html")
    section = open_page(tmp_path / "report.html").locator("#sync")
    assert section.locator("img").count() == 0
    assert section.locator("tbody tr").last.inner_text() == "no answer\t4\ttoo still"
