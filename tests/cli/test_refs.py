"""Commands on tags, branches and snapshots, and reads at a point or of a system table."""

import json

import pytest

import lakestore as ls
from lakestore.cli.main import main


@pytest.fixture
def path(tmp_path):
    table = ls.connect(tmp_path).create_table(
        "db.t", schema={"id": "INT", "text": "STRING"}, primary_key=["id"], options={"bucket": 1}
    )
    for number in (1, 2, 3):
        table.upsert([{"id": number, "text": str(number)}])
    return table.path


@pytest.fixture
def run(capsys):
    """Runs a command and takes its JSON, or its lines with ``text=True``."""

    def run(*words, text=False, status=0):
        assert main([*map(str, words), *([] if text else ["--json"])]) == status
        streams = capsys.readouterr()
        if status:
            return streams.err
        return streams.out if text else json.loads(streams.out)

    return run


def ids(run, path, *words):
    out = run("read", path, "--select", "id", "--json", *words, text=True)
    return sorted(json.loads(line)["id"] for line in out.splitlines())


def test_tags(run, path):
    made = run("tag", "create", path, "v1", "--snapshot", 1, "--time-retained", "7d")
    assert (made["tag"], made["snapshot"], made["time_retained_ms"]) == ("v1", 1, 7 * 86_400_000)
    assert "tagged snapshot 3 as v3" in run("tag", "create", path, "v3", text=True)
    assert [tag["tag_name"] for tag in run("tag", "list", path)] == ["v1", "v3"]
    assert run("tag", "show", path, "v1") == made
    assert ids(run, path, "--tag", "v1") == [1]
    assert run("tag", "rename", path, "v1", "one")["tag"] == "one"
    assert run("tag", "replace", path, "one", "--snapshot", 2)["snapshot"] == 2
    planned = run("tag", "delete", path, "one", "--dry-run")
    assert (planned["tags"], planned["dry_run"]) == (["one"], True)
    assert {**run("tag", "delete", path, "one"), "dry_run": True} == planned
    assert run("tag", "expire", path, "--older-than", "2020-01-01", "--dry-run")["tags"] == []
    assert "tag-not-found" in run("tag", "show", path, "one", status=1)
    assert "would remove tags v3: 1 files" in run("tag", "delete", path, "v3", "--dry-run", text=True)


def test_branches(run, path):
    run("tag", "create", path, "v1", "--snapshot", 1)
    assert run("branch", "create", path, "dev", "--tag", "v1") == {"branch": "dev", "tag": "v1", "snapshot": 1}
    assert "kept by tag branch-next" in run("branch", "create", path, "next", "--snapshot", 2, text=True)
    assert [branch["branch_name"] for branch in run("branch", "list", path)] == ["dev", "next"]
    assert ids(run, f"{path}$branch_next") == [1, 2]
    assert run("branch", "rename", path, "next", "later") == {"branch": "later", "was": "next"}
    ls.open_table(path, branch="dev").upsert([{"id": 9, "text": "dev"}])
    assert "--discard" in run("branch", "fast-forward", path, "dev", status=1)
    planned = run("branch", "fast-forward", path, "dev", "--dry-run")
    assert planned["snapshots_removed"] == [3, 2]
    assert {**run("branch", "fast-forward", path, "dev", "--discard"), "dry_run": True} == planned
    assert ids(run, path) == [1, 9]
    removed = run("branch", "delete", path, "dev", "--dry-run")
    assert {**run("branch", "delete", path, "dev"), "dry_run": True} == removed
    assert "branch-not-found" in run("branch", "delete", path, "dev", status=1)


def test_rollback(run, path):
    run("tag", "create", path, "v3")
    planned = run("snapshot", "rollback", path, "--snapshot", 1, "--dry-run")
    assert (planned["snapshots_removed"], planned["tags_removed"], planned["dry_run"]) == ([3, 2], ["v3"], True)
    new = run("snapshot", "rollback", path, "--snapshot", 1, "--as-new")
    assert (new["target"], new["snapshot"], len(new["files_removed"])) == (1, 4, 2)
    assert ids(run, path) == [1]
    assert "is at snapshot 2" in run("snapshot", "rollback", path, "--snapshot", 2, text=True)
    assert ids(run, path) == [1, 2]
    assert "takes one of" in run("snapshot", "rollback", path, status=1)


def test_system_tables(run, path, tmp_path):
    out = run("read", f"{path}$files", "--select", "record_count,level", "--limit", "2", "--json", text=True)
    assert [json.loads(line) for line in out.splitlines()] == [{"record_count": 1, "level": 0}] * 2
    where = ("--where", "snapshot_id > 1", "--select", "snapshot_id")
    out = run("read", "db.t$snapshots", "-w", tmp_path, *where, "--json", text=True)
    assert [json.loads(line)["snapshot_id"] for line in out.splitlines()] == [2, 3]
    run("branch", "create", path, "dev")
    assert run("read", "db.t$branch_dev$files", "-w", tmp_path, "--json", text=True) == ""
    assert "no column size" in run("read", f"{path}$files", "--select", "size", status=1)
    assert "system table" in run("describe", f"{path}$files", status=1)
