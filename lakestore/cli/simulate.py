"""Command ``simulate``: what compaction options cost, in write, read and space amplification, without any I/O."""

import itertools
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from lakestore.api.simulating import Simulated, simulate_compaction
from lakestore.cli.render import human_bytes, print_json, print_table
from lakestore.cli.table import AsJson
from lakestore.cli.target import key_values
from lakestore.core.compact_simulator import Workload

Commits = Annotated[int, typer.Option("--commits", "-n", help="Upsert commits to the bucket.")]
Rows = Annotated[int, typer.Option("--rows", help="Distinct keys of each commit.")]
Keys = Annotated[int | None, typer.Option("--keys", help="Distinct keys there are; without it every row is a new key.")]
RowBytes = Annotated[int, typer.Option("--row-bytes", help="Bytes of a row in a file.")]
Interval = Annotated[int, typer.Option("--seconds", help="Seconds between commits.")]
Options = Annotated[
    list[str] | None, typer.Option("--option", "-o", metavar="KEY=VALUE", help="Table option; repeatable.")
]
Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="KEY=A,B,C", help="Compare values of an option; repeatable: all combinations."),
]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(simulate)


def simulate(
    commits: Commits = 100,
    rows: Rows = 50_000,
    keys: Keys = None,
    row_bytes: RowBytes = 50,
    seconds: Interval = 60,
    option: Options = None,
    vary: Vary = None,
    steps: Annotated[bool, typer.Option("--steps", help="Show every commit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what compaction options cost before you set them: a stream of upserts to one bucket, without any files.

    Example: lakestore simulate --keys 200000 --vary num-sorted-run.compaction-trigger=3,5,10
    """
    workload = Workload(commits=(rows,) * commits, keys=keys, row_bytes=row_bytes, interval_ms=seconds * 1000)
    fixed = key_values(option or [], "--option")
    runs = [simulate_compaction(workload, {**fixed, **chosen}) for chosen in _combinations(vary or [])]
    if as_json:
        print_json([run.to_dict(steps=steps) for run in runs])
        return
    print_table(*_summary(runs))
    if steps:
        for run in runs:
            print_table(*_steps(run), title=f"\n{run.label}")
    sys.stdout.write(
        "\nwrite: bytes written for each byte that came in; read: runs that a reader merges, on average; space: bytes "
        "stored\nfor each byte of live rows; worst commit: bytes written for each byte of the commit, where that is "
        "worst\n"
    )


def _combinations(vary: Sequence[str]) -> Iterable[dict[str, str]]:
    choices = {key: values.split(",") for key, values in key_values(vary, "--vary").items()}
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, (value.strip() for value in values), strict=True))


def _summary(runs: Sequence[Simulated]) -> tuple[list[str], list[list[object]]]:
    keys = list(runs[0].options)
    figures = ["write", "read", "most runs", "space", "worst commit", "compactions", "came in", "written"]
    return [*keys, *figures], [
        [
            *(run.options[key] for key in keys),
            round(run.result.write_amplification, 2),
            round(run.result.read_amplification, 2),
            run.result.runs_max,
            round(run.result.space_amplification, 2),
            round(run.result.worst_commit, 1),
            run.result.compactions,
            human_bytes(run.result.flushed),
            human_bytes(run.result.written),
        ]
        for run in runs
    ]


def _steps(run: Simulated) -> tuple[list[str], list[list[object]]]:
    columns = ["commit", "came in", "compacted", "runs before", "runs after", "stored", "live", "why"]
    return columns, [
        [
            number,
            human_bytes(step.flushed),
            human_bytes(step.compacted),
            step.runs_met,
            step.runs,
            human_bytes(step.stored),
            human_bytes(step.live),
            ", ".join(step.causes),
        ]
        for number, step in enumerate(run.result.steps, start=1)
    ]
