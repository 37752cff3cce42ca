"""The ingest run: tasks of one shard each, given to worker processes or a Dask cluster, resumed after any kill.

Takes a corpus folder or manifest rows, a pipeline and an output folder; gives a whole shard folder with its ledger.
``process_clip`` is the part that one clip passes; the worker processes serve any work that goes clip by clip.
"""

from lipdata.ingestion.clip_pipeline import ProcessedClip, load_clip, process_clip
from lipdata.ingestion.process_pool import process_pool_workers, worker_context
from lipdata.ingestion.progress import ProgressCallback
from lipdata.ingestion.resume import DATASET_FILE
from lipdata.ingestion.run import ingest, ingest_rows

__all__ = [
    "DATASET_FILE",
    "ProcessedClip",
    "ProgressCallback",
    "ingest",
    "ingest_rows",
    "load_clip",
    "process_clip",
    "process_pool_workers",
    "worker_context",
]
