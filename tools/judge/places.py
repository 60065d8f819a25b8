"""Where the judges live, and what to do when they are not there.

| variable | default | holds |
|---|---|---|
| ``JUDGE_JARS`` | ``.judge/java-VERSION/jars`` | the jars of one Java release and of Hadoop |
| ``JUDGE_CLASSES`` | ``.judge/classes/…`` | our Java source, compiled against those jars |
| ``PEER_PYTHON`` | ``.judge/peers/bin/python`` | the interpreter that has pypaimon and pypaimon-rust |
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tools.peers.environment import HOME, peer_python

OLDEST_JAVA = "0.9.0"
"""The release that is asked unless another one is named."""

SPARK = "0.9.0"
FLINK = "1.3.1"
"""The releases of paimon-spark and paimon-flink that are asked unless others are named."""

SOURCES = Path(__file__).with_name("java")
FLINK_SOURCES = Path(__file__).with_name("flink")
HOW = "python tools/judge/setup.py"


class NotInstalledError(Exception):
    """An engine is not installed here; the message says how to install it."""


def java_jars(version: str = OLDEST_JAVA) -> Path:
    """The folder of that Java release's jars.

    Raises:
        NotInstalledError: No Java, or no jars.
    """
    if shutil.which("java") is None:
        raise NotInstalledError("no java on the PATH: install a JDK of release 11 or later")
    named = os.environ.get("JUDGE_JARS")
    folder = Path(named) if named and version == OLDEST_JAVA else HOME / f"java-{version}" / "jars"
    if not any(folder.glob("*.jar")):
        raise NotInstalledError(f"no jars of Java Paimon {version} in {folder}: run {HOW} --java-version {version}")
    return folder


def flink_jars(version: str = FLINK) -> Path:
    """The folder of the jars of Flink and of that release of paimon-flink.

    Raises:
        NotInstalledError: No Java, or no jars.
    """
    return _engine_jars("flink", version)


def spark_jars(version: str = SPARK) -> Path:
    """The folder that holds that release of paimon-spark.

    Raises:
        NotInstalledError: No Java, or no jar.
    """
    return _engine_jars("spark", version)


def spark_python() -> Path:
    """The interpreter that has pyspark.

    Raises:
        NotInstalledError: There is none.
    """
    python = HOME / "spark" / "bin" / "python"
    if not python.exists():
        raise NotInstalledError(f"no environment with pyspark: run {HOW} --no-java --no-peers --spark-version {SPARK}")
    return python


def _engine_jars(engine: str, version: str) -> Path:
    if shutil.which("java") is None:
        raise NotInstalledError("no java on the PATH: install a JDK of release 11 or later")
    folder = HOME / f"{engine}-{version}" / "jars"
    if not any(folder.glob(f"paimon-{engine}-*.jar")):
        how = f"{HOW} --no-java --no-peers --{engine}-version {version}"
        raise NotInstalledError(f"no paimon-{engine} {version} in {folder}: run {how}")
    return folder


def java_classes(jars: Path, *, flink: bool = False) -> Path:
    """Our Java source compiled against those jars, compiled now if it has not been.

    Args:
        jars: What it is compiled against.
        flink: Whether Flink's part of it is wanted too.

    Raises:
        NotInstalledError: It must be compiled and there is no javac.
    """
    named = os.environ.get("JUDGE_CLASSES")
    if named and not flink and (Path(named) / "Judge.class").exists():
        return Path(named)
    sources = sorted([*SOURCES.glob("*.java"), *(FLINK_SOURCES.glob("*.java") if flink else ())])
    digest = hashlib.sha256(str(jars.resolve()).encode())
    for each in sources:
        digest.update(each.read_bytes())
    classes = HOME / "classes" / digest.hexdigest()[:16]
    if (classes / "Judge.class").exists():
        return classes
    if shutil.which("javac") is None:
        raise NotInstalledError("no javac on the PATH: install a JDK of release 11 or later")
    unfinished = classes.with_name(f"{classes.name}.{os.getpid()}")
    unfinished.mkdir(parents=True)
    command = ["javac", "-nowarn", "-encoding", "UTF-8", "-cp", f"{jars}/*", "-d", str(unfinished)]
    subprocess.run([*command, *map(str, sources)], check=True)
    if not classes.exists():
        unfinished.rename(classes)
    return classes


def need_peers() -> Path:
    """The interpreter that has the Python engines.

    Raises:
        NotInstalledError: There is none.
    """
    python = peer_python()
    if python is None:
        raise NotInstalledError(f"no environment with pypaimon: run {HOW}, or let PEER_PYTHON name one")
    return python
