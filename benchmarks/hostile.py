"""What becomes of damaged and odd files?

    python -m benchmarks.hostile ../shared/grid      # some 5 minutes on two cores; writes docs/benchmarks/hostile.md

Each file is made from a real clip, lies in a shard with undamaged ones, and has a rule that says what is right for it.
"""

import re
import tempfile
from collections import Counter
from pathlib import Path

import click

from benchmarks.page import publish
from lipdata.shards.clip import Clip
from lipdata.shards.ledger import FAILED, OK, LedgerEntry
from lipmodel.evaluation.markdown import markdown_table
from tests.lipdata.hostile.case import Case, prepare
from tests.lipdata.hostile.judge import equal
from tests.lipdata.hostile.run import Ended, cases, ingested

# Three speakers; the faces beside theirs are those of others.
CLIPS = (("s1/bbaf2n", "s31/bgiq6p"), ("s31/prwa4n", "s26/bgbsza"), ("s23/priazn", "s26/lwajza"))
TEXT = """# Damaged and odd files

{n} files made from GRID clips of {speakers} speakers, ingested among {neighbours} undamaged ones. Written by
`python -m benchmarks.hostile GRID`; what is right for each file stands in `tests/lipdata/hostile`.

{table}

*reported*: ok, and the ledger says what the decoder complained of. *wrong*: neither ok with right data nor failed for a
right reason. *hung*: ended after {timeout}. Undamaged clips that came out other than in a run of their own: {changed}.
{wrong}"""
HUNG = "did not end within"
STAGES = ("manifest", "media", "lips")


def row(kind: str, ended: list[tuple[Case, LedgerEntry, str]]) -> list[str]:
    """Kind, files, ok, reported, failed, wrong, hung, crashed, the commonest reason."""
    entries = [entry for _, entry, _ in ended]
    failed = [entry for entry in entries if entry.status == FAILED]
    counts = (
        len(entries),
        sum(entry.status == OK for entry in entries),
        sum(entry.status == OK and bool(entry.reason) for entry in entries),
        len(failed),
        sum(bool(wrong) for *_, wrong in ended),
        sum(HUNG in entry.reason for entry in failed),
        sum(entry.stage not in STAGES for entry in failed),
    )
    return [kind, *map(str, counts), commonest(entries)]


def commonest(entries: list[LedgerEntry]) -> str:
    """The reason that most give, its numbers left out."""
    reasons = Counter(re.sub(r"\d[\d.]*", "N", entry.reason) for entry in entries if entry.reason)
    return reasons.most_common(1)[0][0].replace("|", "/")[:80] if reasons else ""


def changed(ended: Ended, alone: dict[str, Clip]) -> int:
    """How many undamaged clips are not, to the bit, what they are without their neighbours."""
    undamaged = [path for path in ended.entries if re.fullmatch(r"\d+-(whole|short)", path)]
    return sum(
        path not in ended.clips or bool(equal(ended.clips[path], alone[re.sub(r"\d+", "0", path, count=1)]))
        for path in undamaged
    )


@click.command(help=__doc__)
@click.argument("grid", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(grid: Path) -> None:
    ends: list[tuple[Case, LedgerEntry, str]] = []
    n_changed = n_neighbours = 0
    for number, names in enumerate(CLIPS):
        with tempfile.TemporaryDirectory() as place:
            folders = [Path(place) / name for name in ("good", "alone", "hostile")]
            for folder in folders:
                folder.mkdir()
            good = prepare(*(grid / f"{name}.mpg" for name in names), folders[0])
            alone = ingested(good, [], folders[1])
            chosen = cases()[number :: len(CLIPS)]
            ended = ingested(good, chosen, folders[2])
        ends += [(case, ended.entries[case.name], ended.wrong(case)) for case in chosen]
        n_changed += changed(ended, alone.clips)
        n_neighbours += len(ended.entries) - len(chosen)
    kinds = dict.fromkeys(case.kind for case in cases())
    rows = [row(kind, [end for end in ends if end[0].kind == kind]) for kind in kinds]
    rows.append(row("all", ends))
    header = ["kind", "files", "ok", "reported", "failed", "wrong", "hung", "crashed", "commonest reason"]
    publish(
        "hostile",
        TEXT.format(
            n=len(ends),
            speakers=len(CLIPS),
            neighbours=n_neighbours,
            table=markdown_table(header, rows),
            timeout="five minutes",
            changed=n_changed,
            wrong="".join(f"\n* {case.kind}, {case.name!r}: {wrong}" for case, _, wrong in ends if wrong),
        ),
    )


if __name__ == "__main__":
    main()
