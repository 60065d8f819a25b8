"""How an LSM looks on a terminal: a picture of runs, levels and keys for each bucket."""

import sys
from collections.abc import Iterable

from rich.table import Table as RichTable
from rich.text import Text

from lakestore.cli.render import human_bytes, print_table, stdout
from lakestore.maintain.levels_records import BucketPicture, FilePicture, LevelsPicture, RunPicture

BAR = 32
"""Characters that stand for all keys of a bucket."""

SHOWN = 40
"""Characters of a key range; longer ones end in an ellipsis."""


def print_levels(picture: LevelsPicture, *, buckets_max: int | None = None) -> None:
    """Every bucket's runs, and what is compacted next.

    Args:
        picture: What to draw.
        buckets_max: Buckets drawn at most; the rest is only counted.
    """
    if picture.snapshot_id is None:
        sys.stdout.write("no snapshot yet\n")
        return
    if picture.keyed:
        for bucket in picture.buckets[:buckets_max]:
            _print_tree(bucket, picture.trigger)
    else:
        _print_append(picture.buckets[:buckets_max])
    hidden = len(picture.buckets) - len(picture.buckets[:buckets_max])
    if hidden:
        sys.stdout.write(f"… and {hidden} more buckets: lakestore files shows them all\n")
    waiting = sum(bucket.next is not None for bucket in picture.buckets)
    due = f", {waiting} to compact" if picture.keyed else ""
    sys.stdout.write(
        f"snapshot {picture.snapshot_id}: {len(picture.buckets)} buckets{due}, {picture.files} files, "
        f"{picture.rows:,} rows, {human_bytes(picture.bytes)}\n"
    )


def print_files(picture: LevelsPicture) -> None:
    """One line a file."""
    print_table(
        ["partition", "bucket", "level", "rows", "deletes", "size", "keys", "file"],
        [
            [
                bucket.partition or "-",
                bucket.bucket,
                run.level,
                file.rows,
                file.deletes,
                human_bytes(file.bytes),
                f"{file.min_key} .. {file.max_key}" if picture.keyed else "",
                file.name,
            ]
            for bucket in picture.buckets
            for run in bucket.runs
            for file in run.files
        ],
    )


def bar(files: Iterable[FilePicture]) -> str:
    """Where files lie among the keys of their bucket; where one file meets the next, a gap shows it."""
    cells = [" "] * BAR
    for file in files:
        first = min(BAR - 1, int(file.start * BAR))
        last = min(BAR - 1, max(first, int(file.end * BAR) - 1))
        cells[first : last + 1] = "━" * (last - first + 1)
        if first < last:
            cells[first] = "╺"
    return "".join(cells)


def _print_tree(bucket: BucketPicture, trigger: int) -> None:
    place = f"{bucket.partition}, bucket {bucket.bucket}" if bucket.partition else f"bucket {bucket.bucket}"
    extra = bucket.amplification
    amplified = "" if extra is None or len(bucket.runs) < 2 else f", {extra:.0f}% above the oldest run"
    runs = "1 run" if len(bucket.runs) == 1 else f"{len(bucket.runs)} runs"
    sys.stdout.write(f"{place}: {runs} on {bucket.levels} levels, {human_bytes(bucket.bytes)}{amplified}\n")
    table = RichTable(box=None, pad_edge=False, header_style="bold")
    for name, right in (
        *(("", False), ("level", False), ("files", True), ("rows", True), ("deletes", True), ("size", True)),
        *(("where its keys lie", False), ("keys", False)),
    ):
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for run in bucket.runs:
        table.add_row(*_cells(run))
    stdout().print(table)
    sys.stdout.write(f"  {_forecast(bucket, trigger)}\n\n")


def _cells(run: RunPicture) -> list[Text]:
    keys = f"{run.files[0].min_key} .. {run.files[-1].max_key}"
    keys = keys if len(keys) <= SHOWN else keys[: SHOWN - 1] + "…"
    words = [
        "▶" if run.picked else " ",
        f"L{run.level}",
        str(len(run.files)),
        f"{run.rows:,}",
        f"{run.deletes:,}",
        human_bytes(run.bytes),
        bar(run.files),
        keys,
    ]
    return [Text(word) for word in words]


def _forecast(bucket: BucketPicture, trigger: int) -> str:
    planned = bucket.next
    if planned is None:
        return f"next: nothing, {len(bucket.runs)} of {trigger} runs; a full compaction would read " + (
            human_bytes(bucket.full_bytes) if bucket.full_bytes else "nothing"
        )
    files = "1 file" if planned.files == 1 else f"{planned.files} files"
    gone = ", deletes go for good" if planned.drops_deletes else ""
    return (
        f"next (▶): {planned.runs} runs, {files}, {human_bytes(planned.bytes)} to level {planned.output_level}{gone}; "
        f"because of {planned.cause}: {planned.reason}"
    )


def _print_append(buckets: Iterable[BucketPicture]) -> None:
    print_table(
        ["partition", "bucket", "files", "rows", "size", "smallest", "largest"],
        [
            [
                bucket.partition or "-",
                bucket.bucket,
                len(run.files),
                run.rows,
                human_bytes(run.bytes),
                human_bytes(min(file.bytes for file in run.files)),
                human_bytes(max(file.bytes for file in run.files)),
            ]
            for bucket in buckets
            for run in bucket.runs
        ],
    )
