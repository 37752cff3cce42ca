"""A shard folder as ingest wrote it before there was the ledger column sync_offset_s."""

import json
from pathlib import Path

from lipdata.atomic_files import sha256_of_file


def without_sync_offset(folder: Path) -> None:
    """Cut the ledger's last column, and set its digest in dataset.json."""
    ledger = folder / "ledger.csv"
    lines = ledger.read_text().splitlines()
    assert lines[0].endswith(",sync_offset_s")
    ledger.write_text("".join(f"{line.rpartition(',')[0]}\n" for line in lines))
    about = json.loads((folder / "dataset.json").read_text())
    about["files"]["ledger.csv"] = sha256_of_file(ledger)
    (folder / "dataset.json").write_text(json.dumps(about, indent=2, sort_keys=True) + "\n")
