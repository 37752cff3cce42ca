"""Workers that are forked from one process, which has imported what they need and loaded the predictor.

So a worker begins at once, one that died is soon replaced, and all hold one copy of the predictor's 100 MB: in memory,
and in the cache that the cores share.
"""

import functools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import cv2
import joblib
from joblib.externals.loky.backend.context import get_start_method, set_start_method
from threadpoolctl import threadpool_limits

from lipdata.media import kill_running_ffmpegs

# File and spec of the caller's script while workers may be started, once for each pool that is open.
_hidden_main: list[tuple[Any, Any]] = []
_hidden_lock = threading.Lock()


@contextmanager
def process_pool_workers(processes: int, predictor: Path | None) -> Iterator[None]:
    """joblib.Parallel has such workers for the length of a block, with ``lipdata.ingestion.preload`` imported.

    Args:
        predictor: dlib's, to be loaded before the fork; None for that of the packages.
    """
    before = get_start_method()
    multiprocessing.set_forkserver_preload(["lipdata.ingestion.preload"])
    set_start_method("forkserver", force=True)
    with _preloaded_predictor(predictor), _ctrl_c_ignored():
        forkserver.ensure_running()
    try:
        # Each from its start on: one that is never given work would outlive the run.
        pool = joblib.parallel_config("loky", n_jobs=processes, initializer=_end_with, initargs=(os.getpid(),))
        with _main_not_imported(), pool:
            yield
    finally:
        set_start_method(before, force=True)


@contextmanager
def _main_not_imported() -> Iterator[None]:
    """Workers started in the block do not run the caller's script again: it may have no ``if __name__`` guard.

    Pools may be open in several threads: the first hides the script, the last shows it again.
    """
    with _hidden_lock:
        if not _hidden_main:
            main = sys.modules["__main__"]
            _hidden_main.append((main.__dict__.pop("__file__", None), getattr(main, "__spec__", None)))
            main.__spec__ = None
        else:
            _hidden_main.append(_hidden_main[0])
    try:
        yield
    finally:
        with _hidden_lock:
            path, spec = _hidden_main.pop()
            if not _hidden_main:
                main = sys.modules["__main__"]
                main.__spec__ = spec
                if path is not None:
                    main.__file__ = path


@contextmanager
def _preloaded_predictor(predictor: Path | None) -> Iterator[None]:
    """What is started in the block takes this predictor where none is named."""
    if predictor is None:
        yield
        return
    before = os.environ.get("LIPDATA_LANDMARKS")
    os.environ["LIPDATA_LANDMARKS"] = str(predictor)
    try:
        yield
    finally:
        os.environ.pop("LIPDATA_LANDMARKS")
        os.environ |= {} if before is None else {"LIPDATA_LANDMARKS": before}


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """By what is started in the block: it is for the run, which ends its workers; they would print where they were."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only there can it be asked for
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def worker_context(parent_pid: int) -> Iterator[None]:
    """Work on one core for the length of a block, and end when the run is gone: its result would be lost.

    Args:
        parent_pid: the run. Where it did not start this process, as on a cluster, that ends by other means.
    """
    _end_with(parent_pid)
    with single_core(), _batch_scheduling():
        yield


@contextmanager
def single_core() -> Iterator[None]:
    """Compute in one thread for the length of a block.

    Not for speed alone: a product summed by two threads differs in its last bit from one summed by one.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def _batch_scheduling() -> Iterator[None]:
    """A batch process that wakes up interrupts no other program, and no worker when its ffmpeg wakes."""
    before = _schedule("SCHED_OTHER", "SCHED_BATCH")
    try:
        yield
    finally:
        if before:
            _schedule("SCHED_BATCH", "SCHED_OTHER")


def _schedule(before: str, then: str) -> bool:
    """Whether the policy was ``before`` and is ``then`` now; not so where it is not known or not allowed."""
    try:
        known = os.sched_getscheduler(0) == getattr(os, before)
        if known:
            os.sched_setscheduler(0, getattr(os, then), os.sched_param(0))
    except (AttributeError, OSError):
        return False
    return known


@functools.cache
def _end_with(parent_pid: int) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid == parent_pid:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: multiprocessing.Process) -> None:
    parent.join()
    kill_running_ffmpegs()
    os._exit(1)
