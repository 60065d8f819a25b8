"""Spark behind the requests that the Java judge takes; runs in the environment that has pyspark, not in ours.

    .judge/spark/bin/python tools/judge/spark_peer.py FOLDER_OF_JARS

serves requests from standard input: ``read``, ``write``, ``merge`` (the same rows by ``MERGE INTO``), ``compact``,
``tag`` and ``sql``, where ``{t}`` stands for the table and ``{c}`` for its catalog. Spark runs in local mode with four threads, in UTC.
It is told to take CHAR values as they are, which by itself it pads with blanks, and to hand out days as ``LocalDate``:
Paimon 0.9 takes the older class of them through a calendar that is Julian before 1582, two days off.
"""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.golden import canon

Request = Mapping[str, Any]
KIND = "_judge_kind"
SETTINGS = {
    "spark.sql.extensions": "org.apache.paimon.spark.extensions.PaimonSparkSessionExtensions",
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=UTC",
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.legacy.charVarcharAsString": "true",
    "spark.sql.datetime.java8API.enabled": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


class Spark:
    """A session, and a catalog for each warehouse."""

    def __init__(self, jars: str) -> None:
        builder = SparkSession.builder.master("local[4]").appName("judge")
        for name, value in {**SETTINGS, "spark.driver.extraClassPath": f"{jars}/*"}.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.catalogs: dict[str, str] = {}

    def answer(self, request: Request) -> Iterator[Any]:
        """Carry out one request."""
        command = request["command"]
        if command == "read":
            yield from self.rows(self.frame(request), canon.newest_shape(Path(request["table"])).kinds)
        elif command == "sql":
            statement = request["statement"].replace("{t}", self.name(request))
            yield from self.rows(self.session.sql(statement.replace("{c}", self.catalog(request))))
        elif command == "write":
            self.write(request)
        elif command == "merge":
            self.merge(request, self.stage(request, [KIND]))
        elif command == "compact":
            self.call(request, "compact")
        elif command == "tag":
            self.call(request, "create_tag", tag=repr(request["name"]), snapshot=request.get("snapshot"))
        else:
            raise NotImplementedError(f"Spark is not asked for {command}")

    # ---- names

    def catalog(self, request: Request) -> str:
        """The catalog of the table's warehouse."""
        warehouse = str(Path(request["table"]).parents[1])
        if warehouse not in self.catalogs:
            self.catalogs[warehouse] = name = f"c{len(self.catalogs)}"
            catalog = f"spark.sql.catalog.{name}"
            self.session.conf.set(catalog, "org.apache.paimon.spark.SparkCatalog")
            self.session.conf.set(f"{catalog}.warehouse", warehouse)
            self.session.conf.set(f"{catalog}.cache-enabled", "false")
        return self.catalogs[warehouse]

    def parts(self, request: Request) -> tuple[str, str]:
        """Database and table."""
        folder = Path(request["table"])
        branch = request.get("branch")
        return folder.parent.name.removesuffix(".db"), folder.name + (f"$branch_{branch}" if branch else "")

    def name(self, request: Request) -> str:
        """The table's whole name, quoted."""
        return ".".join(f"`{each}`" for each in (self.catalog(request), *self.parts(request)))

    # ---- reading

    def frame(self, request: Request) -> DataFrame:
        """The rows of a read request."""
        options = dict(request.get("options", {}))
        if request.get("timestamp") is not None:
            options["scan.timestamp-millis"] = str(request["timestamp"])
        columns = ", ".join(f"`{each}`" for each in request.get("select") or ()) or "*"
        for name, text in (("snapshot", "{}"), ("tag", "'{}'")):
            if request.get(name) is not None:
                moment = text.format(request[name])
                return self.session.sql(f"SELECT {columns} FROM {self.name(request)} VERSION AS OF {moment}")
        return self.session.read.options(**options).table(self.name(request)).selectExpr(columns)

    def rows(self, frame: DataFrame, kinds: Mapping[str, canon.Kind] | None = None) -> Iterator[canon.Row]:
        """Canonical rows of a result."""
        for batch in frame._collect_as_arrow():
            yield from canon.rows_of(batch, kinds)

    # ---- writing

    def stage(self, request: Request, extra: list[str]) -> str:
        """Put the request's rows where a statement finds them, with their kinds if asked; returns the view."""
        schema = to_arrow_schema(self.session.table(self.name(request)).schema)
        for name in extra:
            schema = schema.append(pa.field(name, pa.string()))
        rows = []
        for each in canon.read_lines(Path(request["rows"])):
            bare, kind = (each["row"], each.get("kind", "+I")) if "row" in each else (each, "+I")
            rows.append({**bare, KIND: kind})
        file = Path(tempfile.mkdtemp()) / "rows.parquet"
        pq.write_table(canon.table_of(rows, schema), file)
        self.session.read.parquet(str(file)).createOrReplaceTempView("staged")
        return "staged"

    def write(self, request: Request) -> None:
        """INSERT, or MERGE where rows are deleted."""
        deletes = {each.get("kind") == "-D" for each in canon.read_lines(Path(request["rows"]))}
        if deletes == {True}:
            self.merge(request, self.stage(request, [KIND]))
            return
        if True in deletes:
            raise NotImplementedError("the judge inserts or deletes with Spark in one commit, not both")
        view = self.stage(request, [])
        into = "INTO" if request.get("overwrite") is None else "OVERWRITE"
        self.session.sql(f"INSERT {into} {self.name(request)} SELECT * FROM {view}")

    def merge(self, request: Request, view: str) -> None:
        """MERGE INTO by primary key."""
        shape = canon.newest_shape(Path(request["table"]))
        same = " AND ".join(f"t.`{key}` = s.`{key}`" for key in shape.keys)
        values = ", ".join(f"`{name}` = s.`{name}`" for name in shape.kinds)
        names = ", ".join(f"`{name}`" for name in shape.kinds)
        sources = ", ".join(f"s.`{name}`" for name in shape.kinds)
        self.session.sql(
            f"MERGE INTO {self.name(request)} t USING {view} s ON {same}"
            f" WHEN MATCHED AND s.{KIND} = '-D' THEN DELETE"
            f" WHEN MATCHED THEN UPDATE SET {values}"
            f" WHEN NOT MATCHED AND s.{KIND} <> '-D' THEN INSERT ({names}) VALUES ({sources})"
        )

    def call(self, request: Request, procedure: str, **arguments: Any) -> None:
        """CALL a procedure of the catalog for the table."""
        given = {"table": repr(".".join(self.parts(request)))} | {k: v for k, v in arguments.items() if v is not None}
        words = ", ".join(f"{name} => {value}" for name, value in given.items())
        self.session.sql(f"CALL `{self.catalog(request)}`.sys.{procedure}({words})").collect()


def main() -> int:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # What Spark prints must not mix with the answers.
    spark = Spark(sys.argv[1])
    for text in sys.stdin:
        try:
            for row in spark.answer(json.loads(text)):
                answers.write(canon.line(["row", row]) + "\n")
            reply = ["end"]
        except Exception as failure:
            traceback.print_exc()
            reply = ["error", f"{type(failure).__name__}: {str(failure).split('JVM stacktrace')[0][:600]}"]
        answers.write(canon.line(reply) + "\n")
        answers.flush()
    spark.session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
