"""One process of a race: commits a row again and again and says which commits were acknowledged.

``PYTHON tools/bench/race_worker.py REQUEST`` gets ready, prints ``ready``, waits for a line on standard input, and
prints a JSON object with the numbers that were acknowledged and the errors that were raised. Runs in our environment
for LakeStore and in the peers' for the others.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

SCHEMA = pa.schema([("worker", pa.int32()), ("number", pa.int32())])


def lakestore_commit(request: dict[str, Any]) -> Callable[[pa.Table], object]:
    """Inserts through LakeStore."""
    import lakestore as ls

    table = ls.open_table(request["table"], storage_options=request.get("storage_options"))
    return table.insert


def peer_commit(request: dict[str, Any]) -> Callable[[pa.Table], object]:
    """Inserts through a peer."""
    from tools.bench.peer_bench import ENGINES

    folder = Path(request["table"])
    engine = ENGINES[request["engine"]](str(folder.parent.parent))
    name = f"{folder.parent.name.removesuffix('.db')}.{folder.name}"
    return lambda rows: engine.write(name, rows)


def main() -> None:
    """Take part in the race that the command line describes."""
    request = json.loads(sys.argv[1])
    opener = lakestore_commit if request["engine"] == "lakestore" else peer_commit
    commit = opener(request)
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    acknowledged: list[int] = []
    errors: list[str] = []
    for number in range(request["commits"]):
        row = pa.table({"worker": [request["worker"]], "number": [number]}, schema=SCHEMA)
        try:
            commit(row)
        except BaseException as failure:  # a panic of the Rust core derives from nothing closer
            if isinstance(failure, KeyboardInterrupt):
                raise
            errors.append(f"{type(failure).__name__}: {str(failure)[:200]}")
        else:
            acknowledged.append(number)
    seconds = time.perf_counter() - started
    print(json.dumps({"acknowledged": acknowledged, "errors": errors, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
    os._exit(0)  # the engines' pools must not keep the process alive
