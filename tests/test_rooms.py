"""The layout of both packages: rooms are entered by their door, and nothing lies about."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("lipdata", "lipmodel")
MOST_LOOSE_FILES, MOST_DOCSTRING_LINES = 6, 10


def modules(package: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / package).rglob("*.py")))


def rooms(package: str) -> list[Path]:
    return sorted(path.parent for path in (ROOT / package).glob("*/__init__.py"))


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of every import of a file, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def exported(room: Path) -> set[str]:
    tree = ast.parse((room / "__init__.py").read_text())
    found = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    return {name for names in found for name in names}


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_are_entered_by_their_door(package: str) -> None:
    wrong = []
    for path in [*modules("lipdata"), *modules("lipmodel")]:
        for module, name in imported(path):
            parts = module.split(".")
            room = ROOT.joinpath(*parts[:2])
            if parts[0] != package or not (room / "__init__.py").exists() or len(parts) < 2 or room in path.parents:
                continue
            if len(parts) > 2 or (name and name not in exported(room)):
                wrong.append(f"{path.relative_to(ROOT)}: {module} {name}")
    assert not wrong


@pytest.mark.parametrize("package", PACKAGES)
def test_a_door_says_what_the_room_does_and_what_others_may_use(package: str) -> None:
    for room in rooms(package):
        text = (room / "__init__.py").read_text()
        said = ast.get_docstring(ast.parse(text)) or ""
        assert 0 < len(said.splitlines()) <= MOST_DOCSTRING_LINES, room
        assert exported(room), room


@pytest.mark.parametrize("package", PACKAGES)
def test_no_room_or_file_bears_the_name_of_what_its_door_exports(package: str) -> None:
    for door in [ROOT / package, *rooms(package)]:
        # What a package exports as a room, as lipmodel.metrics, is that room.
        names = {path.stem for path in door.glob("*.py")} | {path.parent.name for path in door.glob("*/__init__.py")}
        assert exported(door) & names <= {"metrics"}, door


@pytest.mark.parametrize("package", PACKAGES)
def test_few_files_lie_loose(package: str) -> None:
    assert len(list((ROOT / package).glob("*.py"))) <= MOST_LOOSE_FILES
