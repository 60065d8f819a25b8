"""Commands on changes: ``stream`` follows a table, ``changes`` reads those between two states.

``stream`` is made for pipes: one JSON object a row, or an Arrow stream; every change is flushed before it counts as
dealt with. An interrupt or a termination lets it end behind a whole change.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import pyarrow as pa
import typer

from lakestore.api.stream import ChangeStream
from lakestore.cli.render import print_json_lines, print_rows
from lakestore.cli.table import StorageOptions, TableName, Warehouse, Where
from lakestore.cli.target import find_table
from lakestore.errors import InvalidInputError
from lakestore.model.stream import Until
from lakestore.storage.fsspec_store import open_store

EXIT_TERMINATED = 143
EXIT_INTERRUPTED = 130

Select = Annotated[str | None, typer.Option("--select", help="Columns, comma separated.")]
Arrow = Annotated[bool, typer.Option("--arrow", help="Write an Arrow stream, for pipes.")]
Overwrites = Annotated[
    str | None, typer.Option("--overwrites", help="What to do with overwrites: skip, emit, append or fail.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(stream)
    app.command()(changes)


def stream(
    table: TableName,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help="latest-full, latest, earliest, from-snapshot=N, from-timestamp=T, from-tag=NAME …"
        ),
    ] = None,
    consumer: Annotated[str | None, typer.Option("--consumer", help="Keep the position in the table, as NAME.")] = None,
    position_file: Annotated[
        str | None, typer.Option("--position-file", help="Keep the position in this file, and go on from it.")
    ] = None,
    where: Where = None,
    select: Select = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Last snapshot: a number, 'latest', or a time in ISO text.")
    ] = None,
    until_watermark: Annotated[
        int | None, typer.Option("--until-watermark", help="End before a snapshot whose watermark is above this.")
    ] = None,
    idle: Annotated[float | None, typer.Option("--idle", help="End after so many seconds without news.")] = None,
    poll: Annotated[float | None, typer.Option("--poll", help="Seconds between looks for a new snapshot.")] = None,
    delay: Annotated[
        float | None, typer.Option("--delay", help="Seconds that a snapshot must be old before it is read.")
    ] = None,
    overwrites: Overwrites = None,
    expired: Annotated[
        str, typer.Option("--expired", help="When the position has expired: fail, earliest or latest-full.")
    ] = "fail",
    shard: Annotated[str | None, typer.Option("--shard", metavar="I/N", help="Only part I (from 0) of N.")] = None,
    buckets: Annotated[str | None, typer.Option("--buckets", help="Only these buckets: 0,3,5.")] = None,
    arrow: Arrow = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
) -> int:
    """Print a table's rows and then its changes, as they are committed: one JSON object a row.

    Example: lakestore stream wh/shop.db/orders --from latest --where "qty > 3" | jq .
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    kept = None if position_file is None else _Kept(position_file)
    saved = None if kept is None else kept.read()
    opened = found.stream(
        start if saved is None else saved,
        consumer=consumer,
        where=where,
        select=_names(select),
        until=_ends(until, until_watermark),
        idle_timeout=idle,
        poll=poll,
        delay=delay,
        overwrites=overwrites,
        expired=expired,
        buckets=_buckets(buckets),
        shard=_shard(shard),
    )
    with (
        opened,
        _stopped_by_signals(opened) as exit_code,
        _until_nobody_listens(),
        _sink(opened.schema, arrow=arrow) as write,
    ):
        for change in opened:
            write(change.batch)
            sys.stdout.flush()
            change.ack()
            if kept is not None:
                kept.write(opened.position)
    return exit_code()


def changes(
    table: TableName,
    start: Annotated[str | None, typer.Argument(metavar="START", help="Snapshot, tag or time; excluded.")] = None,
    end: Annotated[str | None, typer.Argument(metavar="END", help="Snapshot, tag or time; included.")] = None,
    mode: Annotated[str, typer.Option("--mode", help="auto, delta, changelog or diff.")] = "auto",
    by_time: Annotated[bool, typer.Option("--by-time", help="START and END are times in ISO text.")] = False,
    to_auto_tag: Annotated[
        str | None, typer.Option("--to-auto-tag", help="From the automatic tag before this one.")
    ] = None,
    where: Where = None,
    select: Select = None,
    overwrites: Overwrites = None,
    arrow: Arrow = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a row.")] = False,
) -> None:
    """Print the changes between two states of a table.

    Example: lakestore changes wh/shop.db/orders 3 9
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    if (start is None) != (end is None) or (start is None) == (to_auto_tag is None):
        raise InvalidInputError(
            "changes takes START and END, two snapshots (0 for the empty table), tags or times; or --to-auto-tag"
        )
    between: Any = None if start is None or end is None else (start, end)
    if between is not None and by_time:
        between = tuple(_time(text) for text in between)
    result = found.changes(
        between,
        mode=mode,
        to_auto_tag=to_auto_tag,
        where=where,
        select=_names(select),
        overwrites=overwrites or "fail",
    )
    if arrow:
        with _sink(result.schema, arrow=True) as write:
            for batch in result.to_batches():
                write(batch)
    elif as_json:
        print_json_lines(result.to_batches())
    else:
        print_rows(result.to_arrow())


class _Kept:
    """A position in a file; written whole or not at all."""

    def __init__(self, path: str) -> None:
        self._store, self._path = open_store(str(Path(path).absolute()))

    def read(self) -> dict[str, Any] | None:
        data = self._store.get_or_none(self._path)
        if data is None:
            return None
        try:
            found = json.loads(data)
        except ValueError as error:
            raise InvalidInputError(
                f"position file {self._path}: not JSON ({error}); remove it to begin anew"
            ) from error
        if not isinstance(found, dict):
            raise InvalidInputError(f"position file {self._path}: expected a JSON object; remove it to begin anew")
        return found

    def write(self, position: Any) -> None:  # noqa: ANN401 - a JSON object
        self._store.put(self._path, json.dumps(position).encode())


@contextmanager
def _sink(schema: pa.Schema, *, arrow: bool) -> Iterator[Callable[[pa.RecordBatch], None]]:
    if not arrow:
        yield lambda batch: print_json_lines([batch])
        return
    with pa.ipc.new_stream(sys.stdout.buffer, schema) as sink:
        yield sink.write_batch
    sys.stdout.flush()


@contextmanager
def _until_nobody_listens() -> Iterator[None]:
    """Take it for an end, not a failure, when the reader of the pipe goes away; what is still buffered goes nowhere."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def _stopped_by_signals(opened: ChangeStream) -> Iterator[Callable[[], int]]:
    """Let the first interrupt or termination end the stream behind a whole change; a second one cuts it short."""
    codes = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_TERMINATED}
    code = 0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal code
        del frame
        if code:
            raise KeyboardInterrupt
        code = codes[signal.Signals(number)]
        opened.stop()

    before = {each: signal.signal(each, stop) for each in codes}
    try:
        yield lambda: code
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _names(text: str | None) -> list[str] | None:
    names = [word.strip() for word in (text or "").split(",") if word.strip()]
    return names or None


def _ends(text: str | None, watermark: int | None) -> "int | str | datetime | Until | None":
    if watermark is None:
        return _bound(text)
    if text is not None:
        raise InvalidInputError("--until and --until-watermark: expected one of them")
    return Until(watermark=watermark)


def _buckets(text: str | None) -> list[int] | None:
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() for word in words):
        raise InvalidInputError(f"--buckets {text!r}: expected numbers such as 0,3,5")
    return [int(word) for word in words]


def _bound(text: str | None) -> "int | str | datetime | None":
    if text is None or text == "latest":
        return text
    return int(text) if text.isdigit() else _time(text)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(f"{text!r}: expected a time in ISO text, such as 2026-11-20T12:00:00") from error


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    index, slash, count = text.partition("/")
    if not slash or not index.isdigit() or not count.isdigit():
        raise InvalidInputError(f"--shard {text!r}: expected I/N, such as 0/4")
    return int(index), int(count)
