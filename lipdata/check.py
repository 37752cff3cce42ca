"""Every rule and every checksum of a manifest or a shard folder, each broken one as a line."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lipdata import ledger, manifest, shards
from lipdata.errors import LipdataError
from lipdata.ledger import FAILED, OK
from lipdata.shards import Shard


def check(path: Path) -> list[str]:
    """What is wrong with a manifest (a ``.csv``) or a shard folder; an empty list where nothing is.

    Raises:
        LipdataError: ``path`` is neither.
    """
    if path.is_dir():
        return list(_folder(path))
    if path.suffix != ".csv":
        raise LipdataError(f"{path} is neither a shard folder nor a manifest (.csv)")
    try:
        manifest.read(path)
    except LipdataError as error:
        return [str(error)]
    return []


def _folder(folder: Path) -> Iterator[str]:
    found: dict[str, Shard] = {}
    for path in sorted(folder.glob("*.h5")):
        try:
            found[path.name] = Shard(path)
            yield from _shard(found[path.name])
        except LipdataError as error:
            yield str(error)
    try:
        yield from _ledger(folder, found)
    except LipdataError as error:
        yield str(error)
    digests = {str(shard.attributes["pipeline_digest"]) for shard in found.values()}
    if len(digests) > 1:
        yield f"{folder}: its shards come of {len(digests)} different pipelines"


def _shard(shard: Shard) -> Iterator[str]:
    said, holds = shard.attributes["content_sha256"], shards.content_sha256(shard.path)
    if said != holds:
        yield f"{shard.path}: content_sha256 is {holds}, the file says {said}: it is damaged; ingest again"
    if not np.isfinite(shard.array("mel")).all():
        yield f"{shard.path}: mel holds values that are not finite"


def _ledger(folder: Path, found: dict[str, Shard]) -> Iterator[str]:
    table = ledger.read(folder / "ledger.csv")
    rows = {row.clip_id for row in manifest.read(folder / "manifest.csv")}
    entries = set(table.clip_id)
    for clip_id in sorted(rows ^ entries):
        yield f"{clip_id} stands in the {'manifest' if clip_id in rows else 'ledger'} alone"
    held = {(clip.clip_id, name, clip.start, clip.length) for name, shard in found.items() for clip in shard.clips}
    told = set()
    for entry in table.itertuples():
        if entry.status not in (OK, FAILED):
            yield f"{entry.clip_id}: status {entry.status!r}; allowed: ok, failed"
        if entry.status == FAILED and not (entry.stage and entry.reason):
            yield f"{entry.clip_id} failed without stage and reason"
        if entry.status == OK:
            told.add((entry.clip_id, entry.shard, entry.start, entry.n_frames))
    for clip_id, name, start, length in sorted(told - held):
        yield f"{clip_id}: the ledger says frames {start} to {start + length} of {name}; they are not there"
    for clip_id, name, *_ in sorted(held - told):
        yield f"{clip_id} lies in {name} and the ledger does not say so"
