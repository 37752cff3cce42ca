"""Run the blocks of one page of the docs in order: ``python run_page.py BLOCKS.json``, in an empty folder.

Python blocks share one namespace in this process. A bash block that keeps running is stopped when the page ends.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

BASH = ("bash", "-e", "-u", "-o", "pipefail", "-c")


def run(block: dict[str, Any], namespace: dict[str, Any], servers: list[subprocess.Popen]) -> None:
    print(f"--- {block['where']}", flush=True)
    if block["title"]:
        path = Path(block["title"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block["code"])
    elif block["language"] == "python":
        exec(compile(block["code"], block["where"], "exec"), namespace)
    elif block["keeps_running"]:
        command = (*BASH, f"exec {block['code']}")
        servers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True))
    else:
        subprocess.run((*BASH, block["code"]), stdin=subprocess.DEVNULL, check=True)


def main() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    servers: list[subprocess.Popen] = []
    try:
        for block in json.loads(Path(sys.argv[1]).read_text()):
            run(block, namespace, servers)
    finally:
        for server in reversed(servers):
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


if __name__ == "__main__":
    main()
