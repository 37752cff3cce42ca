"""The ledger: one that was written before there was the column sync_offset_s is read, with 0 in it."""

from pathlib import Path

import pytest

from lipdata.errors import LipdataError
from lipdata.shards import read_ledger
from tests.lipdata.old_ledger import without_sync_offset


def test_a_ledger_without_sync_offset_s_has_zeros(copy_of_made: Path) -> None:
    new = read_ledger(copy_of_made / "ledger.csv")
    without_sync_offset(copy_of_made)
    header = (copy_of_made / "ledger.csv").read_text().splitlines()[0]
    assert header.endswith("av_offset_s,seconds")
    old = read_ledger(copy_of_made / "ledger.csv")
    assert old.equals(new) and old.columns[-1] == "sync_offset_s" and (old.sync_offset_s == 0.0).all()


def test_a_ledger_without_another_column_is_refused(copy_of_made: Path) -> None:
    path = copy_of_made / "ledger.csv"
    lines = [",".join(line.split(",")[:-2]) for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(LipdataError, match="is no ledger: columns .*av_offset_s; wanted .*sync_offset_s"):
        read_ledger(path)
