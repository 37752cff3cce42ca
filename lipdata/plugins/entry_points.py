"""Entry points of installed packages, by group and name."""

from collections.abc import Collection, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from lipdata.errors import LipdataError

DETECTORS, FEATURES, LOSSES = "lipdata.detectors", "lipdata.features", "lipmodel.losses"


def plugins(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name, sorted.

    Raises:
        LipdataError: two packages register the same name.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise LipdataError(
                f"{_package(other)} and {_package(point)} both register {point.name!r} in {group}; uninstall one"
            )
    return found


def load_plugin(point: EntryPoint, *arguments: Any) -> Any:
    """What an entry point names; with arguments, what a call of it with these gives.

    Raises:
        LipdataError: its own, or one that says what else its package raises.
    """
    try:
        found = point.load()
        return found(*arguments) if arguments else found
    except LipdataError:
        raise
    except Exception as error:  # another package's code may raise anything; the line names its type and words
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise LipdataError(
            f"{point.name!r} of {point.group} ({_package(point)}) cannot be loaded: {reason}; repair or uninstall it"
        ) from error


def plugins_in_use(names: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Package and version of each entry point that is used.

    Args:
        names: used, by group.
    """
    points = [point for group, used in names.items() for name, point in plugins(group).items() if name in used]
    return {point.dist.name: point.dist.version for point in points if point.dist is not None}


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
