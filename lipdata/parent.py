"""Workers end with the run that started them."""

import functools
import os
import threading
import time

EVERY_S = 0.5


@functools.cache
def end_with(parent_pid: int) -> None:
    """End this process when its parent is gone: nobody would hear of what it makes.

    Args:
        parent_pid: of the process that started this one; of any other, as where a cluster works, nothing is done.
    """
    if os.getppid() == parent_pid:
        threading.Thread(target=_wait_for_end_of, args=(parent_pid,), daemon=True).start()


def _wait_for_end_of(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(EVERY_S)
    os._exit(1)
