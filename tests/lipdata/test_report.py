"""The page about a shard folder, opened in a real browser; and its flags, on clips damaged on purpose."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lipdata.analysis.quality import Flag, find_flags
from lipdata.analysis.report_page import measure_shards, sample_clips, worst_clips, write_report
from lipdata.config import Pipeline
from lipdata.corpus.manifest import ManifestRow, read_manifest, write_manifest
from lipdata.face.dlib_detector import predictor_path
from lipdata.ingestion.run import run_ingest
from lipdata.shards.clip import Clip
from lipdata.shards.ledger import LedgerEntry, read_ledger, write_ledger
from lipdata.shards.reader import open_shards
from lipdata.shards.summary import summarise
from lipdata.shards.writer import write_shard

HOSTILE_ID = 's1/<script>document.title="x"</script>'
HOSTILE_REASON = '</td></table><img src="http://localhost:9/x.png" onerror="alert(1)">&amp;\'{{ 7 * 7 }}'


@pytest.fixture(scope="module")
def made(sample: Path, setup: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of the sample corpus and of one file that is no film. Not to be changed."""
    folder = tmp_path_factory.mktemp("report")
    corpus = Path(shutil.copytree(sample, folder / "corpus"))
    (corpus / "s2" / "text.mpg").write_text("no film at all")
    rows = [
        ManifestRow(f"{path.parent.name}/{path.stem}", path.parent.name, "train", path.relative_to(corpus).as_posix())
        for path in sorted(corpus.glob("s*/*.mpg"))
    ]
    out = folder / "shards"
    run(corpus, rows, out, setup)
    return out


def run(corpus: Path, rows: list[ManifestRow], out: Path, setup: Pipeline) -> None:
    run_ingest(corpus, rows, out, setup, predictor=predictor_path(), jobs=1, fail_fast=False, report=lambda *_: None)


def write(folder: Path, target: Path) -> tuple[int, int]:
    """How many clips are flagged, and how many failed."""
    summary, flagged = write_report(folder, target, overwrite=False, watch=lambda _: nullcontext(lambda _: None))
    return flagged, summary.failed


def lipdata(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lipdata", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def changed(folder: Path, out: Path, change: Callable[[Clip], Clip]) -> Path:
    """A copy of a shard folder whose clips went through ``change``; its ledger follows their names."""
    shutil.copytree(folder, out)
    renamed = {}
    for shard in open_shards(folder):
        clips = [shard.clip(place.clip_id) for place in shard.clips]
        after = [change(clip) for clip in clips]
        renamed |= {clip.clip_id: other.clip_id for clip, other in zip(clips, after, strict=True)}
        about = {name: shard.attributes[name] for name in ("pipeline", "pipeline_digest", "fps", "sample_rate")}
        write_shard(out / shard.path.name, after, about)
    entries = [LedgerEntry(**row) for row in read_ledger(folder / "ledger.csv").to_dict("records")]
    rows = read_manifest(folder / "manifest.csv")
    write_ledger(out / "ledger.csv", [replace(e, clip_id=renamed.get(e.clip_id, e.clip_id)) for e in entries])
    write_manifest(out / "manifest.csv", [replace(r, clip_id=renamed.get(r.clip_id, r.clip_id)) for r in rows])
    return out


def told(folder: Path, clip_id: str, **columns: object) -> None:
    """Change what a ledger says of a clip."""
    entries = [LedgerEntry(**row) for row in read_ledger(folder / "ledger.csv").to_dict("records")]
    write_ledger(folder / "ledger.csv", [replace(e, **columns) if e.clip_id == clip_id else e for e in entries])


def flags_of(folder: Path) -> dict[str, list[Flag]]:
    looked = measure_shards(open_shards(folder), lambda done: None)[0]
    found: dict[str, list[Flag]] = {}
    for flag in find_flags(looked, read_ledger(folder / "ledger.csv")):
        found.setdefault(flag.clip_id, []).append(flag)
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        path = own if Path(own).is_file() else shutil.which("chromium") or shutil.which("google-chrome")
        if path is None:
            why = "no chromium: apt-get install chromium, or .venv/bin/playwright install --with-deps chromium"
            # A machine that tests every change has one, or nobody would notice.
            pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
        quiet = ("--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-sync", *quiet])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a file and waits till it is loaded; at the end, nothing may have gone wrong or over the network."""
    wrong: list[str] = []
    opened: list[Page] = []

    def open_file(path: Path, width: int = 1280, **how: object) -> Page:
        page = chromium.new_page(viewport={"width": width, "height": 900}, **how)
        opened.append(page)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: wrong.append(request.url) if request.url[:5] != "data:" else None)
        page.goto(path.as_uri(), wait_until="load")
        assert wrong.pop(0) == path.as_uri()
        return page

    yield open_file
    assert wrong == []
    for page in opened:
        page.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_opens_in_a_browser(
    made: Path, tmp_path: Path, open_page: Callable[..., Page], width: int, scheme: str
) -> None:
    write(made, tmp_path / "report.html")
    page = open_page(tmp_path / "report.html", width, color_scheme=scheme)
    pictures = page.eval_on_selector_all(
        "img", "all => all.map(i => [i.complete, i.naturalWidth, i.alt, i.closest('figure')?.className])"
    )
    assert len(pictures) == 4 + 2, "four samples, the wheel, the histogram"
    assert all(complete and natural > 0 and alt for complete, natural, alt, _ in pictures)
    reason = read_ledger(made / "ledger.csv").set_index("clip_id").reason["s2/text"]
    assert reason.startswith("no picture in it")
    assert page.locator("#failed-clips tbody tr").all_inner_texts() == [f"s2/text\tmedia\t{reason}"]
    assert "5 clips found = 4 ok + 1 failed" in page.locator("header").inner_text()
    tiles = dict(zip(*(page.locator(f".tile {tag}").all_inner_texts() for tag in ("dt", "dd")), strict=True))
    summary = summarise(made)
    assert tiles["windows of 16 frames"] == str(summary.windows) and tiles["speakers"] == "3"
    speakers = [
        line.split()[:2] for line in page.locator("#speakers table").first.locator("tbody tr").all_inner_texts()
    ]
    assert speakers == [["s1", "2"], ["s2", "1"], ["s33", "1"]]
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing hangs over the edge"


def test_strangers_texts_stay_texts(made: Path, tmp_path: Path, open_page: Callable[..., Page]) -> None:
    victim = open_shards(made)[0].clips[0].clip_id
    folder = changed(
        made, tmp_path / "shards", lambda clip: replace(clip, clip_id=HOSTILE_ID) if clip.clip_id == victim else clip
    )
    told(folder, HOSTILE_ID, reason=HOSTILE_REASON)
    told(folder, "s2/text", reason=HOSTILE_REASON)
    write(folder, tmp_path / "report.html")
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
    run(tmp_path, [ManifestRow("s1/a", "s1", "", "text.mpg")], tmp_path / "s", setup)
    assert write(tmp_path / "s", tmp_path / "report.html") == (0, 1)
    page = open_page(tmp_path / "report.html")
    (failed,) = page.locator("#failed-clips tbody tr").all_inner_texts()
    assert failed.startswith("s1/a\tmedia\tno picture in it")
    assert page.locator("#samples").inner_text().endswith("No clip is ok: there is nothing to show.")


def test_the_same_shards_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    write(made, tmp_path / "one.html")
    copied = Path(shutil.copytree(made, tmp_path / "elsewhere" / made.name))
    write(copied, tmp_path / "other.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


def test_the_command(made: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    ran = lipdata("report", made, "-o", page)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "0 clips flagged, 1 failed",
        f"written: {page}, open it in a browser",
        f"next: lipmodel fit {made}",
    ]
    page.write_text("mine")
    again = lipdata("report", made, "-o", page)
    assert again.returncode == 2 and again.stderr.splitlines() == [
        f"lipdata: {page} is there already; choose another -o or say --overwrite"
    ]
    assert page.read_text() == "mine"
    assert lipdata("report", made, "-o", page, "--overwrite").returncode == 0
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("wrong", ["ledger", "manifest", "dataset", "shard"])
def test_a_folder_that_is_not_whole_is_one_line(made: Path, tmp_path: Path, wrong: str) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "shards"))
    if wrong == "ledger":
        told(folder, open_shards(made)[0].clips[0].clip_id, status="failed", stage="lips", reason="no face")
    elif wrong == "manifest":
        write_manifest(folder / "manifest.csv", read_manifest(made / "manifest.csv")[1:])
    elif wrong == "dataset":
        (folder / "dataset.json").write_text("[]")
    else:
        (folder / "grid-00000.h5").unlink()
    ran = lipdata("report", folder, "-o", tmp_path / "report.html")
    assert ran.returncode == 2 and len(ran.stderr.strip().splitlines()[-1]) > 20 and "Traceback" not in ran.stderr
    assert not (tmp_path / "report.html").exists()


def flat(clip: Clip) -> Clip:
    frames = clip.frames.copy()
    frames[30] = np.clip(frames[30] // 16 + (140, 120, 100), 0, 255)
    return replace(clip, frames=frames)


def grey(clip: Clip) -> Clip:
    frames = clip.frames.copy()
    frames[40:] = frames[40:].mean(-1, keepdims=True).astype(np.uint8)
    return replace(clip, frames=frames)


def lost(clip: Clip) -> Clip:
    return replace(clip, tracked=np.arange(len(clip.tracked)) % 9 > 0)


def cut_off(clip: Clip) -> Clip:
    heard = np.arange(len(clip.mel)) < 25
    return replace(clip, mel=np.where(heard[:, None, None], 0, np.full_like(clip.mel, -100)))


def faint(clip: Clip) -> Clip:
    return replace(clip, mel=np.maximum(clip.mel - 40, -100))


DAMAGES = {
    flat: {"flat": "1 of 75 frames"},
    grey: {"grey": "35 of 75 frames"},
    lost: {"interpolated": "12 % of 75 frames"},
    cut_off: {"silent": "67 % of 75 frames"},
    faint: {"quiet": ""},
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_clip_is_flagged_for_what_it_has(made: Path, tmp_path: Path, damage: Callable[[Clip], Clip]) -> None:
    victim = open_shards(made)[0].clips[-1].clip_id
    folder = changed(made, tmp_path / "shards", lambda clip: damage(clip) if clip.clip_id == victim else clip)
    found = flags_of(folder)
    assert list(found) == [victim]
    assert [flag.rule for flag in found[victim]] == list(DAMAGES[damage])
    assert found[victim][0].shown.startswith(*DAMAGES[damage].values())
    assert write(folder, tmp_path / "report.html") == (1, 1)


def test_what_the_ledger_says_is_flagged(made: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "shards"))
    one, other, late, _ = [place.clip_id for place in open_shards(made)[0].clips]
    for place in open_shards(made)[0].clips:
        told(folder, place.clip_id, av_offset_s=0.5)
    assert flags_of(folder) == {}, "all alike: none is odd"
    told(folder, one, reason="decoder complained 13 times")
    told(folder, other, av_offset_s=0.41)
    told(folder, late, av_offset_s=0.7)
    found = flags_of(folder)
    assert {clip_id: [(flag.rule, flag.shown) for flag in raised] for clip_id, raised in found.items()} == {
        one: [("damage", "decoder complained 13 times")],
        late: [("offset", "+0.700 s; median +0.500 s")],
    }


def test_a_silent_clip_and_one_that_is_no_number(made: Path, tmp_path: Path) -> None:
    for value, said in ((-100, "loudest band -100 dB"), (np.nan, "loudest band nan dB")):
        folder = changed(
            made, tmp_path / f"{value}", lambda clip, value=value: replace(clip, mel=np.full_like(clip.mel, value))
        )
        quiet = {
            clip_id: [f.shown for f in raised if f.rule == "quiet"] for clip_id, raised in flags_of(folder).items()
        }
        assert list(quiet.values()) == 4 * [[said]]
        assert write(folder, tmp_path / f"{value}.html") == (4, 1)


def test_real_clips_are_not_flagged(grid_shards: Path) -> None:
    assert flags_of(grid_shards) == {}


def test_samples_are_of_every_speaker_first() -> None:
    rows = {f"s{n % 5}/{n}": ManifestRow(f"s{n % 5}/{n}", f"s{n % 5}", "", "x") for n in range(100)}
    entries = pd.DataFrame({"clip_id": list(rows), "status": "ok"})
    chosen = sample_clips(entries, rows)
    counts = pd.Series([clip_id.split("/")[0] for clip_id in chosen]).value_counts()
    assert len(chosen) == 12 and set(counts) == {2, 3}
    assert sample_clips(entries.sample(frac=1, random_state=0), rows) == chosen


def test_of_each_flag_the_worst_are_pictured() -> None:
    raised = [Flag(f"s1/{n}", rule, "", float(n)) for rule, ns in (("a", range(9)), ("b", (0, 8))) for n in ns]
    assert worst_clips(raised) == ["s1/0", "s1/3", "s1/4", "s1/5", "s1/6", "s1/7", "s1/8"]
