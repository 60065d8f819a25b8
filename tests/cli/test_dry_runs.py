"""Every command that deletes has a dry run: it changes nothing, and the run then removes exactly what it listed.

The commands are found by walking the command line, so that a new one cannot be forgotten.
"""

import inspect
import json
import os
import shutil
import time
from pathlib import Path

import pytest

import lakestore as ls
from lakestore.cli.main import app, main
from tests.machines.reach import files_of, memory_folder

SCHEMA = {"id": "INT", "day": "STRING", "text": "STRING"}
OPTIONS = {
    "bucket": "1",
    "write-only": "true",
    "snapshot.num-retained.min": "1",
    "snapshot.num-retained.max": "2",
    "snapshot.time-retained": "1 ms",
    "changelog.num-retained.min": "1",
    "changelog.num-retained.max": "4",
    "partition.expiration-time": "1 d",
}
HARMLESS = {"alter", "analyze", "changes", "check", "cluster", "compact", "create", "demo", "describe", "explain"}
HARMLESS |= {
    "files",
    "read",
    "simulate",
    "stream",
    "update",
    "write",
    "snapshot list",
    "snapshot show",
    "tag create",
    "tag list",
}
HARMLESS |= {"tag show", "tag rename", "branch create", "branch list", "branch rename", "consumer list"}
HARMLESS |= {"consumer reset", "partition list", "partition mark-done", "index list", "index rewrite"}
"""Commands that remove nothing that was there: rows and names at most become others."""

DELETING = {
    "snapshot expire": [],
    "snapshot rollback": ["--snapshot", "8"],
    "tag delete": ["first"],
    "tag replace": ["first", "--snapshot", "9"],
    "tag expire": ["--older-than", "2100-01-01T00:00:00Z"],
    "branch delete": ["dev"],
    "branch fast-forward": ["dev", "--discard"],
    "consumer delete": ["reader"],
    "consumer expire": ["--idle-hours", "0"],
    "orphan remove": ["--older-than", "1 h"],
    "partition drop": ["--where", "day = '2020-01-01'"],
    "partition expire": [],
    "delete": ["--where", "id = 1"],
    "drop": [],
    "truncate": [],
    "purge": [],
    "repair": [],
}
TIMES = {"dry_run", "snapshots", "snapshot", "snapshot_id", "create_time_ms", "attempts"}
"""Keys that say what was committed, which a dry run cannot know."""
LISTS_SNAPSHOTS = {"snapshot expire"}


def commands(typer_app=app, above=()):
    for command in typer_app.registered_commands:
        name = command.name or command.callback.__name__.replace("_", "-")
        yield " ".join((*above, name)), command.callback
    for group in typer_app.registered_groups:
        yield from commands(group.typer_instance, (*above, group.name))


def test_every_command_is_harmless_or_has_a_dry_run():
    found = dict(commands())
    assert found.keys() - HARMLESS - DELETING.keys() == set()
    for name in DELETING:
        assert {"dry_run", "as_json"} <= set(inspect.signature(found[name]).parameters), name


@pytest.fixture(scope="module")
def ready():
    """A table with something to remove for every command."""
    folder = Path(memory_folder())
    table = ls.connect(folder / "wh").create_table(
        "db.t", schema=SCHEMA, primary_key=["id", "day"], partition_by=["day"], options=OPTIONS
    )
    for number in range(8):
        table.upsert([{"id": number % 2, "day": ("2020-01-01", "2100-01-01")[number % 2], "text": str(number)}])
        if number in {1, 2, 3}:
            table.tags.create(("first", "second", "third")[number - 1], time_retained="1 h")
        if number in {1, 2, 4}:
            table.compact(full=True)
        if number == 4:
            table.snapshots.expire()
            table.branches.create("dev", tag="third")
            table.at(branch="dev").upsert([{"id": 9, "day": "2020-01-01", "text": "dev"}])
    table.consumers.reset("reader", 8)
    old = Path(table.path, "day=2020-01-01/bucket-0/data-c4190eab-adb3-419c-a0ef-47c8f1725fe4-0.parquet")
    old.write_bytes(b"lost")
    os.utime(old, (time.time() - 7200,) * 2)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def table(ready, tmp_path):
    shutil.copytree(ready / "wh", tmp_path / "wh", copy_function=shutil.copy2)
    return ls.connect(tmp_path / "wh").table("db.t")


def run(capsys, *words):
    assert main([str(word) for word in words]) == 0
    return json.loads(capsys.readouterr().out)


def lists(name, words):
    ignored = TIMES - {"snapshots"} if name in LISTS_SNAPSHOTS else TIMES
    return {key: value for key, value in words.items() if key not in ignored}


@pytest.mark.parametrize("name", DELETING)
def test_the_run_removes_what_the_dry_run_lists(table, name, capsys):
    if name == "snapshot expire":
        table.consumers.delete("reader")
    if name == "repair":
        min(Path(table.path).glob("day=2020-01-01/bucket-0/*.parquet")).unlink()
        lost = Path(table.path).glob("day=2100-01-01/bucket-0/*.parquet")
        max(lost, key=lambda path: path.stat().st_mtime).unlink()
    before = files_of(table.path)
    words = [*name.split(), table.path, *DELETING[name], "--json"]
    listed = run(capsys, *words, "--dry-run")
    assert files_of(table.path) == before
    done = run(capsys, *words)
    assert lists(name, done) == lists(name, listed)
    assert any(lists(name, listed).values()), "there was nothing to remove, which proves nothing"
    paths = [each["path"] if isinstance(each, dict) else each for each in listed.get("files", [])]
    if name != "repair":
        gone = {str(Path(table.path, path)) for path in before - files_of(table.path)}
        clock = {path for path in gone if path.endswith(("LATEST", "EARLIEST"))}
        assert set(paths) >= gone - clock or "files" not in listed
        assert not [path for path in paths if Path(path).exists()]


def test_a_dry_run_of_the_api_changes_nothing_either(table):
    before = files_of(table.path)
    for listed in (
        table.tags.expire(older_than="2100-01-01T00:00:00Z", dry_run=True),
        table.tags.replace("first", snapshot=9, dry_run=True).cleaned,
        table.expire_partitions(dry_run=True),
        table.purge(dry_run=True),
    ):
        assert listed.deletions or listed.partitions
    assert files_of(table.path) == before


def test_manifests_are_merged_by_compact_and_nothing_else_with_them(table, capsys):
    for _ in range(3):
        table.upsert([{"id": 3, "day": "2100-01-01", "text": "more"}])
    listed = run(capsys, "compact", table.path, "--manifests", "--dry-run", "--json")
    assert listed["before"] > 1
    merged = run(capsys, "compact", table.path, "--manifests", "--json")
    assert (merged["before"], merged["rewritten"], merged["after"]) == (listed["before"], listed["rewritten"], 1)
    assert main(["compact", table.path, "--manifests", "--full"]) == 1
    assert "--dry-run" in capsys.readouterr().err
