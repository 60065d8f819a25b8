"""The compatibility table as a page, from what the judges' run kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.judge.places import FLINK, HOME, OLDEST_JAVA, SPARK
from tools.peers import environment

Known = Callable[[str, str], str | None]
ORDER = ("java", "spark", "flink", "pypaimon", "rust")
LETTERS = "RCWTF"

HEAD = """# Which engine reads and writes which table

This page is made by `python tools/judge/court.py`: every cell is a result of that run. LakeStore writes each table;
an engine reads it, compacts it and writes on; LakeStore writes on top of that; the engine compacts again. At each
stage both must read the rows that a plain Python model works out, and at the end `lakestore check --deep` must find
nothing.

| letter | what was seen |
|---|---|
| R | the engine reads what LakeStore wrote |
| C | the engine compacts it; both read the same rows |
| W | the engine writes on top; both read the same rows |
| T | LakeStore writes on top of the engine; both read the same rows |
| F | the engine compacts once more; both read the same rows, and every file is sound |

A dash stands for what the engine was not asked (pypaimon and pypaimon-rust do not compact). A number points to the
reason below, where something is otherwise.
"""

KINDS = "not asked to write: the rows of this table are of the kinds +U, -U and -D, which only Java takes from its user"


def version_of(name: str) -> str:
    """The releases behind an engine's name."""
    family, _, version = name.partition("-")
    if family == "java":
        return f"Paimon {version or OLDEST_JAVA} (paimon-bundle)"
    if family == "spark":
        pyspark = sorted((HOME / "spark").glob("lib/*/site-packages/pyspark-*-info"))
        number = pyspark[-1].name.split("-")[1].removesuffix(".dist") if pyspark else "3.5"
        return f"Paimon {version or SPARK} (paimon-spark-3.5) on Spark {number}, local mode, four threads"
    if family == "flink":
        jars = sorted((HOME / f"flink-{version or FLINK}" / "jars").glob("flink-clients-*.jar"))
        number = re.sub(r"flink-clients-|\.jar", "", jars[-1].name) if jars else "1.20"
        return f"Paimon {version or FLINK} (paimon-flink-1.20) on Flink {number}, mini-cluster, parallelism 2"
    package = "pypaimon" if family == "pypaimon" else "pypaimon-rust"
    return f"{package} {environment.versions().get(package, '')}".strip()


class Notes:
    """Reasons, numbered in the order in which they are met."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, reason: str) -> str:
        """The mark that points to a reason."""
        return f" ({self.numbers.setdefault(reason, len(self.numbers) + 1)})"


def cell(engine: str, case: str, said: Mapping[str, str] | None, known: Known, notes: Notes) -> str:
    """What one engine does with one table."""
    if said is None:
        return ""
    letters = "".join(letter if said.get(letter) == "ok" else "-" for letter in LETTERS)
    bad = {each for each in said.values() if each != "ok"}
    if not bad:
        return letters
    if all(each.startswith("skip") for each in bad):
        return letters + notes.of(KINDS)
    return letters + notes.of(known(engine, case) or "; ".join(sorted(each[:200] for each in bad)))


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in line)} |" for line in lines) + "\n"


def render(results: Sequence[Mapping[str, Any]], known: Known) -> str:
    """The whole page."""
    heard = sorted(results, key=lambda each: (ORDER.index(each["engine"].partition("-")[0]), each["engine"]))
    names = [each["engine"] for each in heard]
    notes = Notes()
    runs = [
        [f"`{each['engine']}`", each["version"], each["date"], tally(each), f"{each['seconds']} s"] for each in heard
    ]
    cases = list(
        dict.fromkeys(case for each in sorted(heard, key=lambda one: -len(one["cases"])) for case in each["cases"])
    )
    shapes = [
        [f"`{case}`", *(cell(each["engine"], case, each["cases"].get(case), known, notes) for each in heard)]
        for case in cases
    ]
    whats = list(dict.fromkeys(what for each in heard for what in each["verbs"]))
    verbs = [[what, *(verb(each, what, known, notes) for each in heard)] for what in whats]
    reasons = "".join(f"{number}. {text}\n" for text, number in notes.numbers.items())
    return "\n".join(
        [
            HEAD,
            "## The run\n",
            table(["engine", "releases", "date", "tables whole", "took"], runs),
            "## Tables\n\nThe tables are those of `tests/compat/shapes*.py`, by their names there.\n",
            table(["table", *names], shapes),
            "## Beside reading and writing\n",
            table(["what", *names], verbs),
            "## Reasons\n",
            reasons,
        ]
    )


def tally(result: Mapping[str, Any]) -> str:
    """How many tables went through every stage that the engine was asked for."""
    whole = sum(all(each[:4] in {"ok", "skip"} for each in said.values()) for said in result["cases"].values())
    return f"{whole} of {len(result['cases'])}"


def verb(result: Mapping[str, Any], what: str, known: Known, notes: Notes) -> str:
    """What came of one verb."""
    said = result["verbs"].get(what)
    if said is None:
        return "-"
    return "yes" if said == "ok" else "no" + notes.of(known(result["engine"], what) or said[:200])
