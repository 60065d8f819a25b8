"""How a compaction looks: a table of buckets, one line in a service's log, or a document for programs."""

import dataclasses
import sys

from lakestore.api.maintaining_lakes import TableCompaction
from lakestore.cli.render import human_bytes, print_json, print_table, stderr
from lakestore.errors import InvariantError
from lakestore.maintain.compact import CompactedBucket, CompactReport
from lakestore.maintain.compact_manifests import ManifestsReport


def report_dict(outcome: TableCompaction) -> dict[str, object]:
    """For JSON."""
    if outcome.report is None:
        return {"table": outcome.table, "error": None if outcome.error is None else str(outcome.error)}
    return {"table": outcome.table, **dataclasses.asdict(outcome.report)}


def print_compaction(outcome: TableCompaction, *, dry_run: bool, brief: bool = False) -> None:
    """Tell what became of a table; an error goes to stderr.

    Args:
        outcome: What became of it.
        dry_run: It is what would be done.
        brief: One line, without the buckets.
    """
    if outcome.error is not None:
        stderr().print(f"{outcome.table}: {outcome.error}", markup=False)
        return
    report = outcome.report
    if report is None:
        raise InvariantError(f"{outcome.table}: a compaction without report or error")
    if report.buckets and not brief:
        print_table(*_bucket_table(report, dry_run=dry_run))
    sys.stdout.write(f"{outcome.table}: {_summary(report, dry_run=dry_run)}\n")


def print_manifests(report: ManifestsReport, *, as_json: bool) -> None:
    """Tell what merging manifests came to."""
    if as_json:
        print_json(report.to_dict())
        return
    after = f"{report.rewritten} to be rewritten" if report.after is None else f"{report.after} after"
    sys.stdout.write(f"{report.before} manifests before, {after}\n")


def _summary(report: CompactReport, *, dry_run: bool) -> str:
    left = f"; {report.skipped} buckets left for next time" if report.skipped else ""
    if not report.buckets:
        return f"nothing to compact{left}"
    count = "1 bucket" if len(report.buckets) == 1 else f"{len(report.buckets)} buckets"
    read = human_bytes(sum(bucket.bytes_before for bucket in report.buckets))
    files = sum(bucket.files_before for bucket in report.buckets)
    if dry_run:
        return f"would compact {count}: {files} files, {read}{left}"
    after = sum(bucket.files_after for bucket in report.buckets)
    written = human_bytes(sum(bucket.bytes_written for bucket in report.buckets))
    made = ", ".join(map(str, report.snapshot_ids)) or "none"
    lost = f"; {report.lost} times another job was first" if report.lost else ""
    return (
        f"compacted {count} in {report.milliseconds / 1000:.2f} s: {files} files to {after}, {read} read, {written} "
        f"written, snapshot {made}{left}{lost}"
    )


def _bucket_table(report: CompactReport, *, dry_run: bool) -> tuple[list[str], list[list[object]]]:
    columns = ["partition", "bucket", "files", "size", "level"]
    columns += ["why"] if dry_run else ["files after", "size written", "seconds", "why"]
    return columns, [_bucket_row(bucket, dry_run=dry_run) for bucket in report.buckets]


def _bucket_row(bucket: CompactedBucket, *, dry_run: bool) -> list[object]:
    size = human_bytes(bucket.bytes_before)
    before: list[object] = [bucket.partition or "-", bucket.bucket, bucket.files_before, size, bucket.output_level]
    if dry_run:
        return [*before, bucket.reason]
    after = [bucket.files_after, human_bytes(bucket.bytes_written), round(bucket.milliseconds / 1000, 2)]
    return [*before, *after, bucket.reason]
