"""Shard folders of made clips; and pages opened in a real browser, which may ask nothing of the network."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lipdata.config import Pipeline
from lipdata.shards import Clip, write_shard


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
    """Opens a file and waits until it is loaded; at the end, there was no error and no request over the network."""
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


@pytest.fixture
def write_folder(tmp_path: Path, setup: Pipeline) -> Callable[..., Path]:
    """Call it with the clips of each shard: gives their folder."""
    about = {"pipeline": setup.to_json(), "pipeline_digest": "d" * 64, "fps": 25, "sample_rate": 44100}

    def write(*of_shards: list[Clip]) -> Path:
        folder = tmp_path / "shards"
        folder.mkdir()
        for number, clips in enumerate(of_shards):
            write_shard(folder / f"grid-{number:05}.h5", clips, about)
        return folder

    return write
