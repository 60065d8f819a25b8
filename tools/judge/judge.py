"""Ask the other engines about a table of anybody's making.

    python tools/judge/judge.py TABLE_DIR                 # ask java, pypaimon and rust; they must agree
    python tools/judge/judge.py WAREHOUSE DB TABLE --engines java,java-1.4.2,rust --compact --expected rows.jsonl

Without ``--expected`` the first engine that can read the table sets the standard. ``--compact`` also lets every Java
engine asked compact a copy of its own, and asks all again. The table itself is never touched. Exit status: 0 all that
can read it agree, 1 one reads other rows or nobody can read it, 2 an engine asked for is not installed.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.golden import canon
from tools.judge.engines import Engine, RefusedError
from tools.judge.places import NotInstalledError


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="+", metavar="TABLE_DIR | WAREHOUSE DB TABLE")
    parser.add_argument("--engines", default="java,pypaimon,rust", help="comma-separated names")
    parser.add_argument("--expected", type=Path, help="canonical rows that the table must hold")
    parser.add_argument("--compact", action="store_true", help="also after a compaction by each Java engine")
    parser.add_argument("--snapshot", type=int, help="read that snapshot")
    parser.add_argument("--tag", help="read that tag")
    parser.add_argument("--branch", help="read that branch")
    parser.add_argument("--unordered", default="", help="array columns whose element order does not count")
    parser.add_argument("--json", action="store_true", help="one JSON object per verdict")
    return parser.parse_args()


def table_folder(words: Sequence[str]) -> Path:
    """The folder that the positional arguments name."""
    if len(words) not in {1, 3}:
        raise SystemExit("name one table folder, or a warehouse, a database and a table")
    folder = Path(words[0]) if len(words) == 1 else Path(words[0]) / f"{words[1]}.db" / words[2]
    if not (folder / "schema").is_dir():
        raise SystemExit(f"{folder} is no table: it has no folder named schema")
    return folder


class Court:
    """All engines, one standard, and the verdicts so far."""

    def __init__(self, engines: Sequence[Engine], options: argparse.Namespace) -> None:
        times = {name: getattr(options, name) for name in ("snapshot", "tag", "branch")}
        self.engines = engines
        self.at = {name: str(value) for name, value in times.items() if value is not None}
        self.unordered = frozenset(options.unordered.split(","))
        self.as_json = options.json
        self.standard: list[canon.Row] | None = None
        self.agreed = 0
        self.disagreed = 0

    def hear(self, what: str, table: Path) -> None:
        """Let every engine read the table."""
        for engine in self.engines:
            try:
                rows = engine.read(table, **self.at)
            except RefusedError as refusal:
                self.say(what, engine.name, "cannot read", str(refusal))
                continue
            if self.standard is None:
                self.standard = rows
            wrong = canon.difference(self.standard, rows, unordered=self.unordered)
            self.agreed += wrong is None
            self.disagreed += wrong is not None
            self.say(what, engine.name, "disagrees" if wrong else "agrees", wrong or f"{len(rows)} rows")

    def say(self, what: str, engine: str, verdict: str, detail: str) -> None:
        """One line about one engine."""
        if self.as_json:
            print(json.dumps({"what": what, "engine": engine, "verdict": verdict, "detail": detail}))
        else:
            print(f"{what:<24} {engine:<18} {verdict:<12} {detail}", flush=True)


def copies(table: Path, scratch: Path, names: Iterable[str]) -> dict[str, Path]:
    """A copy of the table for each name, each in a warehouse of its own."""
    made = {name: scratch / name / "judged.db" / "t" for name in names}
    for folder in made.values():
        shutil.copytree(table, folder)
    return made


def judge(options: argparse.Namespace, scratch: Path) -> int:
    """Hear every engine; returns the exit status."""
    names = options.engines.split(",")
    compacting = [name for name in names if name.startswith("java")] if options.compact else []
    folders = copies(table_folder(options.table), scratch, ["read", *compacting])
    engines: list[Engine] = []
    try:
        engines = [Engine(name) for name in names]
        court = Court(engines, options)
        if options.expected:
            court.standard = canon.read_lines(options.expected)
        court.hear("as it is", folders["read"])
        for engine in engines:
            if engine.name not in compacting:
                continue
            try:
                engine.compact(folders[engine.name])
            except RefusedError as refusal:
                court.disagreed += 1
                court.say("compaction", engine.name, "failed", str(refusal))
            else:
                court.hear(f"compacted by {engine.name}", folders[engine.name])
    finally:
        for engine in engines:
            engine.close()
    return 1 if court.disagreed or not court.agreed else 0


def main() -> int:
    """Run the command."""
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            return judge(options, Path(scratch))
        except NotInstalledError as missing:
            print(f"error: {missing}", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
