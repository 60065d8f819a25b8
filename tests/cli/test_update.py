"""``lakestore update`` against a real append table: values as text, dry run, JSON, refusals."""

import json

import pytest

import lakestore as ls
from lakestore.cli.main import main

COLUMNS = {
    "id": "INT",
    "name": "STRING",
    "qty": "BIGINT NOT NULL",
    "price": "DECIMAL(10, 2)",
    "day": "DATE",
    "at": "TIMESTAMP(3)",
    "seen": "TIMESTAMP(6) WITH LOCAL TIME ZONE",
    "clock": "TIME(3)",
    "ok": "BOOLEAN",
    "share": "DOUBLE",
    "raw": "BYTES",
    "tags": "ARRAY<INT>",
}


@pytest.fixture
def events(tmp_path):
    table = ls.connect(tmp_path / "wh").create_table("app.events", schema=COLUMNS)
    table.insert([{"id": number, "name": "old", "qty": number} for number in range(4)])
    return table


def test_values_of_every_kind_are_written_as_text(events, capsys):
    values = {
        "name": " it's = new",
        "qty": "-7",
        "price": "1.5",
        "day": "2026-01-02",
        "at": "2026-01-02T03:04:05.123",
        "seen": "2026-01-02 03:04:05Z",
        "clock": "10:11:12",
        "ok": "true",
        "share": "1e3",
        "raw": "00ff",
    }
    words = [word for name, text in values.items() for word in ("--set", f"{name}={text}")]
    assert main(["update", events.path, *words, "--where", "id in (1, 2)"]) == 0
    assert capsys.readouterr().out == "updated 2 rows with snapshot 2\n"
    assert main(["read", events.path, "--json", "--where", "id = 1"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "id": 1,
        "name": " it's = new",
        "qty": -7,
        "price": "1.50",
        "day": "2026-01-02",
        "at": "2026-01-02T03:04:05.123000",
        "seen": "2026-01-02T03:04:05+00:00",
        "clock": "10:11:12",
        "ok": True,
        "share": 1000.0,
        "raw": "00ff",
        "tags": None,
    }
    assert events.count("name = 'old'") == 2
    assert events.check(deep=True).ok


def test_dry_run_nulls_and_json(events, capsys):
    words = ["update", events.path, "--set-null", "name", "--set", "qty=0", "--where", "id > 1"]
    assert main([*words, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"rows": 2, "snapshots": [], "dry_run": True}
    assert main([*words, "--dry-run"]) == 0
    assert capsys.readouterr().out == "would update 2 rows\n"
    assert events.snapshots.latest().id == 1
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"rows": 2, "snapshots": [2], "dry_run": False}
    assert events.count("name is null and qty = 0") == 2
    assert main(["update", events.path, "--set", "qty=0", "--where", "id = 99"]) == 0
    assert capsys.readouterr().out == "updated 0 rows\n"
    assert events.snapshots.latest().id == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give --set COLUMN=VALUE or --set-null COLUMN"),
        (["--set", "qty"], "--set 'qty': expected key=value"),
        (["--set", "nope=1"], "no column nope; there are: id, name"),
        (["--set-null", "nope"], "no column nope"),
        (["--set", "qty=x"], "--set qty=x: cannot read 'x': expected a whole number"),
        (["--set", "qty="], "expected a whole number"),
        (["--set", "price=1.555"], "--set price=1.555"),
        (["--set", "ok=yes"], "expected true or false"),
        (["--set", "tags=[1]"], "update the column from Python"),
        (["--set", "name=a", "--set-null", "name"], "both name name"),
        (["--set-null", "qty"], "qty"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(events, words, said, capsys):
    assert main(["update", events.path, *words, "--where", "id = 1"]) == 1
    assert said in capsys.readouterr().err
    assert events.snapshots.latest().id == 1


def test_a_table_with_a_key_says_what_to_do_also_in_a_dry_run(tmp_path, capsys):
    table = ls.connect(tmp_path / "wh").create_table(
        "app.keyed", schema={"id": "INT", "qty": "INT"}, primary_key=["id"]
    )
    table.upsert([{"id": 1, "qty": 1}])
    for more in ([], ["--dry-run"]):
        assert main(["update", table.path, "--set", "qty=2", "--where", "id = 1", *more]) == 1
        assert "`lakestore write`" in capsys.readouterr().err
    assert main(["update", table.path, "--set", "qty=2"]) == 2
    assert table.snapshots.latest().id == 1
