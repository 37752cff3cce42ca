"""Every rule and every checksum of a manifest or a shard folder, each broken one as a line."""

import json
from collections.abc import Container, Iterator
from pathlib import Path

import numpy as np

from lipdata.atomic_files import sha256_of_file
from lipdata.corpus import read_manifest
from lipdata.errors import LipdataError
from lipdata.ingestion import DATASET_FILE
from lipdata.shards import FAILED, OK, SYNC_FILE, UNMATCHED, Shard, content_sha256, read_ledger, sync_of


def check_path(path: Path) -> list[str]:
    """What is wrong with a manifest (a ``.csv``) or a shard folder; an empty list where nothing is.

    Raises:
        LipdataError: ``path`` is neither.
    """
    if path.is_dir():
        return list(_folder(path))
    if path.suffix != ".csv":
        raise LipdataError(f"{path} is neither a shard folder nor a manifest (.csv)")
    try:
        read_manifest(path)
    except LipdataError as error:
        return [str(error)]
    return []


def _folder(folder: Path) -> Iterator[str]:
    found: dict[str, Shard] = {}
    wrong = _not_as_written(folder)
    yield from wrong.values()
    for path in sorted(folder.glob("[!.]*.h5")):
        if path.name in wrong:
            continue  # before HDF5 sees it: a damaged file may keep it busy for ever
        try:
            found[path.name] = Shard(path)
            yield from _shard(found[path.name])
        except LipdataError as error:
            yield str(error)
    try:
        yield from _ledger(folder, found, wrong)
        if (folder / SYNC_FILE).exists():
            sync_of(folder / SYNC_FILE, read_manifest(folder / "manifest.csv"), read_ledger(folder / "ledger.csv"))
    except LipdataError as error:
        yield str(error)
    pipelines = {str(shard.attributes["pipeline_digest"]) for shard in found.values()}
    if len(pipelines) > 1:
        yield f"{folder}: its shards come of {len(pipelines)} different pipelines"


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file, as dataset.json lists it; empty where it does not."""
    try:
        digests = json.loads((folder / DATASET_FILE).read_bytes())["files"]
        # Names alone: an untrusted dataset.json opens no file elsewhere.
        return {name: str(digest) for name, digest in digests.items() if Path(name).name == name}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _not_as_written(folder: Path) -> dict[str, str]:
    """What is wrong with the files as such, by name."""
    digests = _digests(folder)
    if not digests:
        path = folder / DATASET_FILE
        return {path.name: f"{path} is missing, or not what ingest wrote; ingest into a new folder"}
    wrong = {}
    for name in sorted({*digests, *(path.name for path in folder.glob("[!.]*.h5"))}):
        if not (folder / name).is_file():
            wrong[name] = f"{folder / name} is missing; ingest again"
        elif name not in digests:
            wrong[name] = f"{folder / name} is no file of this dataset; take it away"
        elif sha256_of_file(folder / name) != digests[name]:
            wrong[name] = f"{folder / name} is damaged: its SHA-256 is not what ingest wrote down; ingest again"
    return wrong


def _shard(shard: Shard) -> Iterator[str]:
    said, holds = shard.attributes["content_sha256"], content_sha256(shard.path)
    if said != holds:
        yield f"{shard.path}: content_sha256 is {holds}, the file says {said}: it is damaged; ingest again"
    if not np.isfinite(shard.array("mel")).all():
        yield f"{shard.path}: mel holds values that are not finite"


def _ledger(folder: Path, found: dict[str, Shard], wrong: Container[str]) -> Iterator[str]:
    table = read_ledger(folder / "ledger.csv")
    rows = {row.clip_id for row in read_manifest(folder / "manifest.csv")}
    entries = set(table.clip_id[table.status != UNMATCHED])
    for clip_id in sorted(rows ^ entries):
        yield f"{clip_id} stands in the {'manifest' if clip_id in rows else 'ledger'} alone"
    held = {(clip.clip_id, name, clip.start, clip.length) for name, shard in found.items() for clip in shard.clips}
    listed = set()
    for entry in table.itertuples():
        if entry.status not in (OK, FAILED, UNMATCHED):
            yield f"{entry.clip_id}: status {entry.status!r}; allowed: ok, failed, unmatched"
        if entry.status in (FAILED, UNMATCHED) and not (entry.stage and entry.reason):
            yield f"{entry.clip_id} is {entry.status} without stage and reason"
        if entry.status == OK and entry.shard not in wrong:
            listed.add((entry.clip_id, entry.shard, entry.start, entry.n_frames))
    for clip_id, name, start, length in sorted(listed - held):
        yield f"{clip_id}: the ledger says frames {start} to {start + length} of {name}; they are not there"
    for clip_id, name, *_ in sorted(held - listed):
        yield f"{clip_id} lies in {name} and the ledger does not say so"
