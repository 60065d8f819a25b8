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

SOURCES = Path(__file__).with_name("java")
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


def java_classes(jars: Path) -> Path:
    """Our Java source compiled against those jars, compiled now if it has not been.

    Raises:
        NotInstalledError: It must be compiled and there is no javac.
    """
    named = os.environ.get("JUDGE_CLASSES")
    if named and (Path(named) / "Judge.class").exists():
        return Path(named)
    sources = sorted(SOURCES.glob("*.java"))
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
