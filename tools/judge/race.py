"""LakeStore and Java commit to one table on local disk at the same moment: what was promised, and what is lost.

    python tools/judge/race.py --java java-1.4.2 --ours 2 --theirs 2 --seconds 30

Every process appends one row a commit, and remembers those whose commit returned. Exit status 1: a row that a commit
of LakeStore promised is not there. Java processes can lose rows to each other, which is told and is not judged.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from tools.judge.engines import Engine, RefusedError

APART = 10**6
"""Ids of one process begin this far behind those of the one before."""


def ours(folder: Path) -> Callable[[int], None]:
    """Commits of LakeStore."""
    table = ls.open_table(folder)
    return lambda number: table.insert([{"id": number}])


def theirs(folder: Path, engine: str) -> Callable[[int], None]:
    """Commits of a Java process."""
    judge = Engine(engine)
    judge.read(folder)
    return lambda number: judge.write(folder, [{"id": str(number)}])


def writer(folder: Path, engine: str | None, first: int, seconds: float, told: Any) -> None:
    """Commit until the time is over; tells who, what was promised, and how many commits failed."""
    commit = ours(folder) if engine is None else theirs(folder, engine)
    promised, failed, number, end = [], 0, first, time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        try:
            commit(number)
        except (ls.LakestoreError, RefusedError):
            failed += 1
        else:
            promised.append(number)
    told.put((engine or "LakeStore", promised, failed))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", default="java", metavar="ENGINE", help="such as java-1.4.2")
    parser.add_argument("--ours", type=int, default=2, help="processes of LakeStore")
    parser.add_argument("--theirs", type=int, default=2, help="processes of Java")
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    engines = [None] * options.ours + [options.java] * options.theirs
    with tempfile.TemporaryDirectory() as warehouse:
        settings = {"bucket": -1, "write-only": "true", "snapshot.num-retained.min": 10**5}
        settings["snapshot.num-retained.max"] = 10**6
        table = ls.connect(warehouse).create_table("race.t", schema={"id": "INT NOT NULL"}, options=settings)
        told: Any = multiprocessing.Queue()
        words = [(Path(table.path), each, place * APART, options.seconds, told) for place, each in enumerate(engines)]
        processes = [multiprocessing.Process(target=writer, args=each) for each in words]
        for each in processes:
            each.start()
        heard = [told.get() for _ in processes]
        for each in processes:
            each.join()
        there = set(table.to_arrow().column("id").to_pylist())
    lost = {who: 0 for who, _, _ in heard}
    for who, promised, failed in heard:
        gone = len(set(promised) - there)
        lost[who] += gone
        print(f"{who:<12} {len(promised)} commits promised, {failed} failed, {gone} lost")
    return 1 if lost.get("LakeStore") else 0


if __name__ == "__main__":
    sys.exit(main())
