"""Text for people and JSON for programs. The one place, tests aside, where rows become Python objects."""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa
from rich.console import Console
from rich.table import Table as RichTable

MAX_CELL = 60
"""Characters of a cell on a terminal; longer text ends in an ellipsis."""


PIPE_WIDTH = 100_000
"""Columns of an output that is no terminal: enough that nothing is ever cut."""


def stdout() -> Console:
    """Console for data; wide when it is not a terminal, so that pipes get whole lines."""
    plain = not sys.stdout.isatty()
    return Console(file=sys.stdout, width=PIPE_WIDTH if plain else None, highlight=False)


def stderr() -> Console:
    """Console for notes, progress and errors."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def json_value(value: object) -> object:
    """A value that JSON can say; text for dates and decimals, hexadecimal for binaries."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case bytes():
            return value.hex()
        case Mapping():
            return {str(key): json_value(item) for key, item in value.items()}
        case list() | tuple():
            return [json_value(item) for item in value]
        case _:
            return str(value)


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(json_value(value), ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: object) -> None:
    """One JSON document on a line of its own on stdout."""
    sys.stdout.write(json.dumps(json_value(value), ensure_ascii=False) + "\n")


def print_json_lines(batches: Iterable[pa.RecordBatch]) -> None:
    """One JSON object a row on stdout."""
    for batch in batches:
        for row in batch.to_pylist():
            sys.stdout.write(json.dumps(json_value(row), ensure_ascii=False) + "\n")


def print_rows(rows: pa.Table, *, title: str | None = None) -> None:
    """An aligned table of Arrow rows."""
    print_table(rows.column_names, [list(row.values()) for row in rows.to_pylist()], title=title)


def print_listing(rows: pa.Table, *, as_json: bool) -> None:
    """Arrow rows, as a table or as one JSON array."""
    if as_json:
        print_json(rows.to_pylist())
    else:
        print_rows(rows)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """An aligned table; numbers to the right."""
    body = [list(row) for row in rows]
    table = RichTable(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for position, name in enumerate(columns):
        number = all(isinstance(row[position], int | float | Decimal) or row[position] is None for row in body)
        table.add_column(name, justify="right" if number and body else "left", no_wrap=True)
    for row in body:
        table.add_row(*(_cell(value) for value in row))
    stdout().print(table)


def _cell(value: object) -> str:
    if value is None:
        return "∅"
    text = str(json_value(value)).replace("[", "\\[")
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def human_bytes(count: float) -> str:
    """``12.3 MiB`` and the like."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
