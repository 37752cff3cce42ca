"""Whether sound fits picture: offset and confidence of a clip, by a network that ships.

Takes clips of a shard folder or media files; gives a ``Sync`` each, and sync.csv for a folder. The parts that the
network learns by, and the frozen network as an expert, serve ``training`` and ``losses``.
"""

from lipmodel.sync.answer import Sync, measured, rated, require_pipeline, sync_offset, why_no_answer
from lipmodel.sync.augmentation import augment_flow, augment_lips, augment_sound, change_pace
from lipmodel.sync.contrast import info_nce, windows_of
from lipmodel.sync.curve import SHIFTS, Curve, curve_of
from lipmodel.sync.expert import SyncExpert, load_expert
from lipmodel.sync.foreign import ForeignPairs, foreign_pairs, sampled_clips
from lipmodel.sync.media import MediaSync, sync_media
from lipmodel.sync.network import Embedding, SyncNetwork, frozen_pairs, load_sync, network_header, one_thread
from lipmodel.sync.shard_folder import FolderSync, sync_folder

__all__ = [
    "SHIFTS",
    "Curve",
    "Embedding",
    "FolderSync",
    "ForeignPairs",
    "MediaSync",
    "Sync",
    "SyncExpert",
    "SyncNetwork",
    "augment_flow",
    "augment_lips",
    "augment_sound",
    "change_pace",
    "curve_of",
    "foreign_pairs",
    "frozen_pairs",
    "info_nce",
    "load_expert",
    "load_sync",
    "measured",
    "network_header",
    "one_thread",
    "rated",
    "require_pipeline",
    "sampled_clips",
    "sync_folder",
    "sync_media",
    "sync_offset",
    "why_no_answer",
    "windows_of",
]
