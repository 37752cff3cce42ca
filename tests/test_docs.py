"""README and docs: every block runs, every link leads somewhere, every command and option exists.

``bash`` and ``python`` blocks run page by page, in one folder that is empty at first; a ``text`` block right below one
is what it prints. A block with ``title="NAME"`` is written to that file. ``<!-- not run: REASON -->`` or
``<!-- keeps running -->`` stands on the line before a block.
"""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import click
import pytest

from lipdata.cli import main as lipdata_command
from lipdata.config import load_pipeline
from lipmodel.cli import main as lipmodel_command

ROOT = Path(__file__).parents[1]
# The measured pages have commands for whoever has the whole corpus, and no blocks.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = [*PAGES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*/*.md"))]
QUICK_START = ROOT / "docs" / "index.md"
LANGUAGES = {"bash", "python", "text", "toml", "csv"}
BLOCK = re.compile(r"(?:^<!-- (?P<mark>.*) -->\n)?^```(?P<head>.*)\n(?P<code>(?:.*\n)*?)^```$", re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
COMMANDS = {"lipdata": lipdata_command, "lipmodel": lipmodel_command}
DEMO = "lipdata demo demo\n"
PORT = "8786"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page. ``reason`` says why it does not run."""

    where: str
    language: str
    title: str
    code: str
    reason: str | None
    keeps_running: bool
    is_output: bool  # it stands right below the block before it

    @property
    def runs(self) -> bool:
        return self.reason is None and (bool(self.title) or self.language in ("bash", "python"))


def blocks(page: Path) -> list[Block]:
    text, found, end = page.read_text(), [], 0
    for match in BLOCK.finditer(text):
        language, _, rest = match["head"].partition(" ")
        title = re.fullmatch(r'title="(.+)"', rest)
        mark = match["mark"] or ""
        line = text.count("\n", 0, match.start("code")) + 1
        found.append(
            Block(
                where=f"{page.relative_to(ROOT)}:{line}",
                language=language,
                title=title[1] if title else "",
                code=match["code"],
                reason=mark.removeprefix("not run:").strip() if mark.startswith("not run:") else None,
                keeps_running=mark == "keeps running",
                is_output=language == "text" and not text[end : match.start()].strip(),
            )
        )
        end = match.end()
    return found


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(block: Block) -> list[list[str]]:
    """The words of each command of a bash block, but for ``dask`` and the like."""
    lines = block.code.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [found for found in words if found and found[0] in COMMANDS]


def options(command: click.Command) -> set[str]:
    context = click.Context(command)
    return {name for option in command.get_params(context) for name in (*option.opts, *option.secondary_opts)}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``lipdata demo`` writes, once for all pages that begin with it."""
    out = tmp_path_factory.mktemp("docs") / "demo"
    subprocess.run([sys.executable, "-m", "lipdata", "demo", str(out)], check=True, stdin=subprocess.DEVNULL)
    return out


def environment(site: Path) -> dict[str, str]:
    """The commands of this Python first on the path; what a page installs goes to ``site``, without the network."""
    pip = {"TARGET": str(site), "NO_DEPS": "1", "NO_INDEX": "1", "NO_BUILD_ISOLATION": "0", "QUIET": "1"}
    return (
        os.environ
        | {f"PIP_{option}": value for option, value in pip.items()}
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(site),
            "MPLBACKEND": "Agg",
        }
    )


def free_port() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return str(server.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(block.runs for block in blocks(page))], ids=name)
def test_every_block_of_a_page_runs(page: Path, demo: Path, tmp_path: Path) -> None:
    todo, folder, port = [asdict(block) for block in blocks(page) if block.runs], tmp_path / "folder", free_port()
    folder.mkdir()
    # What a page installs is seen by the interpreter that runs already, where the folder was there at its start.
    (tmp_path / "site").mkdir()
    for block in todo:
        block["code"] = block["code"].replace(PORT, port)
        if page != QUICK_START and DEMO in block["code"]:
            shutil.copytree(demo, folder / "demo")
            block["code"] = block["code"].replace(DEMO, "")
    (tmp_path / "blocks.json").write_text(json.dumps(todo))
    # -P: else tests/lipdata would stand in for lipdata.
    done = subprocess.run(
        [sys.executable, "-P", str(ROOT / "tests" / "run_page.py"), str(tmp_path / "blocks.json")],
        cwd=folder,
        env=environment(tmp_path / "site"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "Traceback" not in done.stdout
    for before, block in pairwise(blocks(page)):
        if block.is_output and before.runs:
            printed = done.stdout.partition(f"--- {before.where}\n")[2].partition("\n--- ")[0]
            assert block.code.strip() in printed, f"{block.where} is not what was printed"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_what_it_is(page: Path) -> None:
    found = blocks(page)
    assert len(found) * 2 == len(re.findall(r"^ *```", page.read_text(), re.MULTILINE)), "a fence that is no block"
    for block in found:
        assert block.language in LANGUAGES, block.where
        assert block.reason is None or len(block.reason) >= 10, f"{block.where}: say why it does not run"
        assert not block.keeps_running or block.language == "bash", block.where


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_pipeline_of_a_page_is_one(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language == "toml" and "[corpus]" in block.code:
            (tmp_path / "page.toml").write_text(block.code)
            assert load_pipeline(str(tmp_path / "page.toml")).corpus.name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_and_option_exists(page: Path) -> None:
    for block in blocks(page):
        if block.language != "bash":
            continue
        for program, command, *words in commands(block):
            group = COMMANDS[program]
            assert command in group.commands, f"{block.where}: {program} {command}"
            known = options(group.commands[command])
            unknown = {word for word in words if word.startswith("-")} - known
            # A loss of the page's own package has its option once that is installed; there the page itself runs.
            assert unknown <= {"--l-motion"}, f"{block.where}: {program} {command} {unknown}"
    for program, command in re.findall(r"`(lipdata|lipmodel) ([a-z]+)", page.read_text()):
        assert command in COMMANDS[program].commands, f"{page.name}: {program} {command}"


@pytest.mark.parametrize("page", LINKED, ids=name)
def test_every_link_and_picture_is_there(page: Path) -> None:
    for match in LINK.finditer(page.read_text()):
        target = match["target"].partition("#")[0]
        if target and "://" not in target:
            assert (page.parent / target).is_file(), f"{name(page)}: {target}"


def test_the_site_builds_and_asks_the_network_for_nothing(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text()
        assert not re.findall(r'<(?:script|img|iframe)[^>]+src="?(?:https?:)?//[^>]*', text), page
        assert not re.findall(r'<link[^>]+rel="?(?:stylesheet|preconnect)[^>]+href="?(?:https?:)?//[^>]*', text), page
        # mkdocstrings leaves what it cannot resolve, and Sphinx's roles are no Markdown.
        assert ":class:" not in text and ":func:" not in text and "][lip" not in text, page


def test_pre_commit_runs_what_make_check_runs() -> None:
    hooks = re.findall(r"^ +entry: \.venv/bin/(.+)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe and hooks == re.findall(r"\$\(BIN\)/(.+)", recipe[1])


def test_the_version_to_cite_is_that_of_the_package() -> None:
    version = re.search(r"^version = (.+)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)
    assert version and f"\nversion: {version[1]}\n" in (ROOT / "CITATION.cff").read_text()
