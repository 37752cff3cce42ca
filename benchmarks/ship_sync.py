"""Take the towers of a run of ``lipmodel fit --variant sync`` into the package: lipmodel/weights/sync.safetensors.

    python benchmarks/ship_sync.py RUN SHARDS --manifest manifests/grid-sync.csv

The header gets the foreign pairs of split test, whose speakers the run has not seen: single clips are held against
them. The model card beside it, sync.md, is written by hand from docs/benchmarks/sync.md.
"""

import argparse
from pathlib import Path

from safetensors.torch import save_file

from lipdata.atomic_files import atomic_path
from lipdata.corpus import read_manifest
from lipdata.shards import ShardFolder
from lipmodel.sync import foreign_pairs, network_header, sampled_clips
from lipmodel.training import load_sync_run
from lipmodel.weights import shipped_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--manifest", type=Path, required=True)
    asked = parser.parse_args()
    network, shards = load_sync_run(asked.run), ShardFolder(asked.shards)
    test = [row.clip_id for row in read_manifest(asked.manifest) if row.split == "test" and row.clip_id in shards]
    embedded = {clip_id: network.embed(shards[clip_id]) for clip_id in sampled_clips(test)}
    foreign = foreign_pairs(
        {clip_id: each.motion for clip_id, each in embedded.items()},
        {clip_id: each.sound for clip_id, each in embedded.items()},
        f"{len(embedded)} clips of split test of {asked.manifest.stem}",
    )
    states = {name: pair.state_dict() for name, pair in network.pairs.items()}
    tensors = {f"{name}.{key}": value for name, state in states.items() for key, value in state.items()}
    with atomic_path(shipped_weights("sync")) as hidden:
        save_file(tensors, hidden, network_header(shards.pipeline, foreign))
    print(f"{shipped_weights('sync')}: {shipped_weights('sync').stat().st_size / 1e6:.2f} MB; {foreign}")


if __name__ == "__main__":
    main()
