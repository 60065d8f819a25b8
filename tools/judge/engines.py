"""The other engines as Python objects: each is a process that answers requests until it is closed.

An engine's name is ``pypaimon``, ``pypaimon-lenient``, ``rust``, ``java`` (the oldest release) or ``java-1.4.2``,
``spark`` or ``spark-0.9.0``, ``flink`` or ``flink-1.3.1``.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.golden import canon
from tools.judge.places import (
    FLINK,
    OLDEST_JAVA,
    SPARK,
    NotInstalledError,
    flink_jars,
    java_classes,
    java_jars,
    need_peers,
    spark_jars,
    spark_python,
)

PEER = Path(__file__).with_name("peer.py")
SPARK_PEER = Path(__file__).with_name("spark_peer.py")
PEERS = ("pypaimon", "pypaimon-lenient", "rust")
_FLINK_FLAGS = [
    "-Xmx2g",
    "-XX:TieredStopAtLevel=1",
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "net", "nio", "util", "time")),
]


class RefusedError(Exception):
    """The engine could not do what was asked; the message is the engine's own."""


def command_of(name: str) -> list[str]:
    """The command line that serves an engine.

    Raises:
        NotInstalledError: The engine is not installed here.
    """
    if name in PEERS:
        return [str(need_peers()), str(PEER), name]
    family, _, version = name.partition("-")
    if family == "spark":
        return [str(spark_python()), str(SPARK_PEER), str(spark_jars(version or SPARK))]
    if family == "flink":
        return _java("FlinkJudge", flink_jars(version or FLINK), *_FLINK_FLAGS)
    if family == "java":
        return _java("Judge", java_jars(version or OLDEST_JAVA), "-Xmx1g")
    known = f"java, java-VERSION, spark, spark-VERSION, flink, flink-VERSION, {', '.join(PEERS)}"
    raise NotInstalledError(f"no engine {name}: there are {known}")


def _java(program: str, jars: Path, *flags: str) -> list[str]:
    path = f"{java_classes(jars, flink=program == 'FlinkJudge')}{os.pathsep}{jars}/*"
    common = ["-XX:+UseSerialGC", "-Duser.timezone=UTC", "-Dfile.encoding=UTF-8"]
    return ["java", *flags, *common, "-cp", path, program]


class Engine:
    """One engine, started with the first request."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._command = command_of(name)
        self._process: subprocess.Popen[str] | None = None
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - see close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process.wait(60)
            self._process = None
        self._log.close()

    def ask(self, command: str, table: Path, **arguments: Any) -> list[Any]:
        """Send a request and take its whole answer.

        Raises:
            RefusedError: The engine failed.
        """
        process = self._running()
        request = {"command": command, "table": str(table.resolve()), **arguments}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        rows = []
        for text in process.stdout:
            tag, *value = json.loads(text)
            if tag == "row":
                rows.extend(value)
            elif tag == "error":
                raise RefusedError(" ".join(value[0].split()))
            else:
                return rows
        self._log.seek(0)
        raise RefusedError(f"the process of {self.name} ended: {self._log.read()[-600:]}")

    def _running(self) -> Any:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                encoding="utf-8",
                env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        return self._process

    def read(self, table: Path, **arguments: Any) -> list[canon.Row]:
        """All rows of a read, in canonical order."""
        return canon.sort_rows(self.ask("read", table, **arguments), canon.newest_shape(table).keys)

    def write(self, table: Path, rows: list[Mapping[str, Any]], **arguments: Any) -> None:
        """Commit canonical rows, bare or as ``{"kind": …, "row": …}``."""
        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder) / "rows.jsonl"
            canon.write_lines(lines, rows)
            self.ask("write", table, rows=str(lines), **arguments)

    def compact(self, table: Path, *, full: bool = True) -> None:
        """Let the engine compact every bucket."""
        self.ask("compact", table, full=full)
