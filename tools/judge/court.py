"""Every judge over every table that LakeStore can write, and the compatibility table of it.

    python tools/judge/court.py --engines java,java-1.4.2,pypaimon,rust,spark,flink    # judge, and write the table
    python tools/judge/court.py --engines spark --only updates_4,nested_keyed          # a few tables; nothing is written
    python tools/judge/court.py --engines spark --resume                               # go on where a run was stopped
    python tools/judge/court.py --render                                               # the table of the last runs again

Each engine gets each table five times: as LakeStore wrote it (R), after the engine's compaction (C), after the engine
wrote on (W), after LakeStore wrote on top of that (T), and after the engine's second compaction (F). At each stage
the engine's rows and LakeStore's must be those that plain Python works out, and in the end every file of the table is
checked. What an engine does is kept in ``tools/judge/results``; ``docs/compatibility.md`` shows all of them. Exit
status: 0 each disagreement is a known one of ``tests/compat/theirs.py``, 1 one is not, 2 an engine is not installed.
"""

import argparse
import datetime
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from tests.compat.theirs import NO_TURNS, THEIRS, WRITES
from tests.golden import canon
from tools.judge.cases import CASES, VERBS, Case, NoWordsError, family, open_case
from tools.judge.engines import PEERS, Engine, RefusedError
from tools.judge.places import NotInstalledError
from tools.judge.render import render, version_of

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
STAGES = {"R": "read", "C": "compact", "W": "write", "T": "turn", "F": "compact again"}


def known(engine: str, case: str) -> str | None:
    """The reason why an engine is known to disagree about a table, or to refuse it."""
    if case in NO_TURNS and family(engine) == "java":
        return NO_TURNS[case]
    names = [engine, *(["java"] if engine == "spark" else [])]
    return next((each[name, case] for name in names for each in (THEIRS, WRITES) if (name, case) in each), None)


class Hearing:
    """One engine and one table."""

    def __init__(self, engine: Engine, name: str, case: Case) -> None:
        self.engine = engine
        self.name = name
        self.case = case
        self.said: dict[str, str] = {}

    def stages(self) -> dict[str, str]:
        """Every stage in turn; one that fails ends the hearing."""
        self.stage("R", lambda: None)
        if "R" in self.said and self.said["R"] == "ok":
            self.rest()
        return self.said

    def rest(self) -> None:
        """What comes after the first read."""
        compacts = self.engine.name not in PEERS
        if compacts and not self.stage("C", self.compact):
            return
        if not self.stage("W", lambda: self.case.engine_writes(self.engine)):
            return
        if self.stage("T", self.case.we_write) and compacts and self.stage("F", self.compact):
            self.check()

    def compact(self) -> None:
        """The engine compacts."""
        self.engine.compact(self.case.table)
        self.case.compacted()

    def check(self) -> None:
        """Every file must be sound."""
        findings = ls.open_table(self.case.table).check(deep=True).findings
        if findings:
            self.said["F"] = f"check: {findings[0]}"

    def stage(self, letter: str, act: Callable[[], None]) -> bool:
        """Act and compare; returns whether the next stage can be asked."""
        try:
            act()
            wrong = self.compare()
        except NoWordsError as skipped:
            self.said[letter] = f"skip: {skipped}"
            return letter == "W"
        except RefusedError as refusal:
            wrong = f"refused: {refusal}"
        except ls.LakestoreError as failure:
            wrong = f"LakeStore fails: {failure}"
        self.said[letter] = wrong or "ok"
        return wrong is None

    def compare(self) -> str | None:
        """What the engine and LakeStore read, against what must be there."""
        expected = self.case.expected()
        if expected is None:
            return None
        shape = canon.newest_shape(self.case.table)
        own = canon.difference(expected, canon.rows_of(ls.open_table(self.case.table).to_arrow(), shape.kinds))
        if own:
            return f"LakeStore reads: {own}"
        wrong = canon.difference(expected, self.engine.read(self.case.table))
        return f"reads: {wrong}" if wrong else None


def hear(name: str, only: list[str], kept: dict[str, Any], keep: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """One engine about all tables, but for those that were kept; what is found is kept as it comes."""
    result = {
        "engine": name,
        "version": version_of(name),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "seconds": kept.get("seconds", 0),
        "cases": kept.get("cases", {}),
        "verbs": {},
    }
    with Engine(name) as engine, tempfile.TemporaryDirectory() as scratch:
        for each in only:
            if each not in result["cases"]:
                began = time.time()
                case = open_case(each, Path(scratch) / each)
                result["cases"][each] = Hearing(engine, each, case).stages()
                took = time.time() - began
                result["seconds"] = round(result["seconds"] + took)
                print(f"{name:<12} {each:<32} {took:5.1f} s  {summary(result['cases'][each])}", flush=True)
                keep(result)
        for verb in VERBS:
            if family(name) in verb.families:
                result["verbs"][verb.what] = said = verb_of(verb, engine, Path(scratch))
                print(f"{name:<12} {verb.what:<32}          {said[:200]}", flush=True)
    keep(result)
    return result


def stored(name: str) -> dict[str, Any]:
    """What is kept of an engine's run, its tables in their order."""
    file = RESULTS / f"{name}.json"
    if not file.exists():
        return {}
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return result | {"cases": {each: result["cases"][each] for each in CASES if each in result["cases"]}}


def page() -> str:
    """The page of all results that are kept."""
    return render([stored(each.stem) for each in sorted(RESULTS.glob("*.json"))], known)


def store(result: dict[str, Any]) -> None:
    """Keep what an engine's run has found so far."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    (RESULTS / f"{result['engine']}.json").write_text(text, encoding="utf-8")


def verb_of(verb: Any, engine: Engine, scratch: Path) -> str:
    """What came of asking for a verb."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        return verb.judge(engine, folder) or "ok"
    except RefusedError as refusal:
        return f"refused: {refusal}"


def summary(said: dict[str, str]) -> str:
    """A table's stages in one line."""
    good = "".join(letter if each == "ok" else "-" for letter, each in said.items())
    bad = [f"{letter}: {each[:300]}" for letter, each in said.items() if each != "ok"]
    return " ".join([good, *bad])


def unexplained(result: dict[str, Any]) -> list[str]:
    """Disagreements that nobody has looked into."""
    wrong = [
        f"{result['engine']} {case} {STAGES[letter]}: {each[:300]}"
        for case, said in result["cases"].items()
        for letter, each in said.items()
        if each != "ok" and not each.startswith("skip") and known(result["engine"], case) is None
    ]
    return wrong + [
        f"{result['engine']} {what}: {each[:300]}"
        for what, each in result["verbs"].items()
        if each != "ok" and known(result["engine"], what) is None
    ]


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", default="java,java-1.4.2,pypaimon,rust,spark,flink", help="comma-separated names")
    parser.add_argument("--only", help="these tables, comma-separated; no results are kept")
    parser.add_argument("--resume", action="store_true", help="keep the tables that the last run was through with")
    parser.add_argument("--render", action="store_true", help="only write the table of the results that are kept")
    options = parser.parse_args()
    names = [] if options.render else options.engines.split(",")
    only = options.only.split(",") if options.only else CASES
    found = []
    for name in names:
        try:
            result = hear(
                name, only, stored(name) if options.resume else {}, store if only is CASES else lambda _: None
            )
        except NotInstalledError as missing:
            print(f"NOT JUDGED by {name}: {missing}", file=sys.stderr)
            return 2
        found += unexplained(result)
    if only is CASES:
        PAGE.write_text(page(), encoding="utf-8")
    print(*(f"UNEXPLAINED {each}" for each in found), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
