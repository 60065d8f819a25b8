"""What was removed, or would be, in words or as JSON."""

import sys

from lakestore.cli.render import human_bytes, print_json, stderr
from lakestore.maintain.cleaning import CleaningReport

_GONE = ("tags", "snapshots", "changelogs", "consumers", "partitions")


def print_cleaned(report: CleaningReport, *, as_json: bool) -> None:
    """Print a report of removals."""
    words = report.to_dict()
    if as_json:
        print_json(words)
        return
    for each in report.deletions:  # Whole paths, never cut: they are what a dry run is for.
        sys.stdout.write(f"{each.role:<14} {each.path}\n")
    for note in report.notes:
        stderr().print(f"note: {note}")
    names = [f"{what} {', '.join(map(str, getattr(report, what)))}" for what in _GONE if getattr(report, what)]
    size = human_bytes(sum(each.size or 0 for each in report.deletions))
    verb = "would remove" if report.dry_run else "removed"
    files = f"{len(report.deletions)} files, {size}" if report.deletions else ""
    said = ": ".join(part for part in ("; ".join(names), files) if part)
    sys.stdout.write(f"{verb} {said or 'nothing'}\n")
