"""Figures as an aligned table for people and as JSON for programs."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from tools.bench.measure import Figure
from tools.peers.environment import versions

FLOOR = "parquet floor"
WIDTH = 120
"""Of the printed table, whatever it is printed to."""


def ratio(figure: Figure, figures: Iterable[Figure], *, to: str = FLOOR) -> float | None:
    """How many times another subject's fastest round a figure's fastest round took, at the same workload."""
    for other in figures:
        if other.workload == figure.workload and other.subject == to and other.timing and figure.timing:
            return figure.timing.least / other.timing.least
    return None


def show(figures: Sequence[Figure]) -> None:
    """Print the figures."""
    table = Table(title="seconds, and times the raw Parquet floor of the same run", title_justify="left", box=SIMPLE)
    table.add_column("workload")
    table.add_column("subject")
    for name in ("rows", "least", "median", "of floor", "of lakestore", "rounds"):
        table.add_column(name, justify="right")
    before = None
    for figure in figures:
        if before not in {None, figure.workload}:
            table.add_section()
        before = figure.workload
        timing = figure.timing
        if timing is None:
            table.add_row(figure.workload, figure.subject, f"{figure.rows:,}", "-", "-", "-", "-", "0")
            continue
        table.add_row(
            figure.workload,
            figure.subject,
            f"{figure.rows:,}",
            f"{timing.least:.3f}",
            f"{timing.median:.3f}",
            *(_times(ratio(figure, figures, to=to)) for to in (FLOOR, "lakestore")),
            str(len(timing.seconds)),
        )
    Console(width=WIDTH).print(table)
    for figure in figures:
        if figure.note:
            print(f"{figure.subject} at {figure.workload} {figure.note}")


def _times(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}x"


def machine() -> dict[str, Any]:
    """What the figures were measured on and with."""
    packages = {}
    for name in ("lakestore", "pyarrow", "numpy"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "packages": packages,
        "peers": versions(),
    }


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures, and what they were measured on, to a file."""
    lines = [
        {
            "workload": figure.workload,
            "subject": figure.subject,
            "rows": figure.rows,
            "seconds": list(figure.timing.seconds) if figure.timing else [],
            "times_floor": ratio(figure, figures),
            "times_lakestore": ratio(figure, figures, to="lakestore"),
            "note": figure.note,
        }
        for figure in figures
    ]
    path.write_text(json.dumps({"machine": machine(), "figures": lines}, indent=1) + "\n", encoding="utf-8")
