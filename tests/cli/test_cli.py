"""The command line against real tables: output, exit codes, JSON."""

import datetime as dt
import decimal
import json

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.cli.main import main


@pytest.fixture
def orders(tmp_path):
    path = f"{tmp_path}/wh/shop.db/orders"
    assert main(["create", path, "-c", "id BIGINT", "-c", "qty INT", "-k", "id", "-o", "bucket=2"]) == 0
    return path


def write(path, tmp_path, text, name="rows.jsonl"):
    source = tmp_path / name
    source.write_text(text)
    return main(["write", path, str(source)])


def test_create_write_read(orders, tmp_path, capsys):
    assert write(orders, tmp_path, '{"id": 1, "qty": 3}\n{"id": 2, "qty": null}\n') == 0
    assert write(orders, tmp_path, "id,qty\n1,4\n", "more.csv") == 0
    capsys.readouterr()
    assert main(["read", orders, "--json", "--where", "id < 9"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(rows, key=lambda row: row["id"]) == [{"id": 1, "qty": 4}, {"id": 2, "qty": None}]
    assert main(["read", orders, "--snapshot", "1", "--select", "qty", "--where", "id = 1", "--json"]) == 0
    assert capsys.readouterr().out == '{"qty": 3}\n'


def test_create_says_what_it_settled(tmp_path, capsys):
    assert main(["create", f"{tmp_path}/w/a.db/t", "-c", "id INT", "-k", "id"]) == 0
    streams = capsys.readouterr()
    assert "bucket" in streams.err
    assert "created a.t" in streams.out


def test_delete_and_its_dry_run(orders, tmp_path, capsys):
    write(orders, tmp_path, '{"id": 1, "qty": 3}\n{"id": 2, "qty": 5}\n')
    assert main(["delete", orders, "--where", "qty > 4", "--dry-run"]) == 0
    assert "would delete 1 rows" in capsys.readouterr().out
    assert ls.open_table(orders).count() == 2
    assert main(["delete", orders, "--where", "qty > 4"]) == 0
    assert ls.open_table(orders).count() == 1


def test_snapshots(orders, tmp_path, capsys):
    write(orders, tmp_path, '{"id": 1, "qty": 3}\n')
    capsys.readouterr()
    assert main(["snapshot", "list", orders, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["snapshot_id"] for row in listed] == [1]
    assert main(["snapshot", "show", orders, "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["commit_kind"] == "APPEND"
    assert [change["change"] for change in shown["changes"]] == ["add"]


def test_describe_and_explain(orders, tmp_path, capsys):
    write(orders, tmp_path, '{"id": 1, "qty": 3}\n')
    capsys.readouterr()
    assert main(["describe", orders]) == 0
    assert "primary key: id" in capsys.readouterr().out
    assert main(["describe", orders, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 1
    assert main(["explain", orders, "--where", "id = 1"]) == 0
    assert "bucket" in capsys.readouterr().out


def test_arrow_stream(orders, tmp_path, capfdbinary):
    write(orders, tmp_path, '{"id": 1, "qty": 3}\n')
    capfdbinary.readouterr()
    assert main(["read", orders, "--arrow"]) == 0
    with pa.ipc.open_stream(capfdbinary.readouterr().out) as reader:
        assert reader.read_all().to_pylist() == [{"id": 1, "qty": 3}]


def test_exit_codes(orders, tmp_path, capsys):
    assert main(["read", f"{tmp_path}/nowhere"]) == 1
    assert "[table-not-found]" in capsys.readouterr().err
    assert main(["read"]) == 2
    assert main(["nonsense"]) == 2
    assert main(["read", orders, "--where", "id ="]) == 1
    assert "[invalid-predicate]" in capsys.readouterr().err


def test_check_finds_damage(orders, tmp_path, capsys):
    write(orders, tmp_path, '{"id": 1, "qty": 3}\n')
    assert main(["check", orders, "--deep"]) == 0
    capsys.readouterr()
    data = next((tmp_path / "wh/shop.db/orders").glob("bucket-*/*.parquet"))
    data.write_bytes(data.read_bytes()[:-7])
    assert main(["check", orders, "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert [finding["rule"] for finding in report["findings"]] == ["data-file-size"]
    assert report["newest_whole_snapshot"] is None


def test_bad_input_leaves_the_table_alone(orders, tmp_path, capsys):
    write(orders, tmp_path, '{"id": 1, "qty": 3}\n')
    assert write(orders, tmp_path, '{"id": null, "qty": 3}\n') == 1
    assert "id" in capsys.readouterr().err
    assert write(orders, tmp_path, "id,qty\nx,4\n", "bad.csv") == 1
    assert ls.open_table(orders).snapshots.latest().id == 1


def test_what_read_prints_write_takes(tmp_path, capsys, monkeypatch):
    columns = {
        "id": "INT",
        "price": "DECIMAL(20, 2)",
        "day": "DATE",
        "clock": "TIME(3)",
        "at": "TIMESTAMP(3)",
        "fine": "TIMESTAMP(9)",
        "zoned": "TIMESTAMP(6) WITH LOCAL TIME ZONE",
        "raw": "BYTES",
        "flag": "BOOLEAN",
    }
    lake = ls.connect(tmp_path)
    tables = [lake.create_table(f"db.{name}", schema=columns, primary_key=["id"]) for name in "ab"]
    values = {
        "id": 1,
        "price": decimal.Decimal("-0.50"),
        "day": dt.date(2024, 2, 29),
        "clock": dt.time(1, 2, 3, 4000),
        "at": dt.datetime(2024, 2, 29, 1, 2, 3, 4000),
        "fine": dt.datetime(2024, 2, 29, 1, 2, 3, 4),
        "zoned": dt.datetime(2024, 2, 29, 1, 2, 3, 4, dt.UTC),
        "raw": b"\x00\xff",
        "flag": True,
    }
    tables[0].upsert([values, {"id": 2}])
    assert main(["read", tables[0].path, "--json"]) == 0
    (tmp_path / "rows.jsonl").write_text(capsys.readouterr().out)
    assert main(["write", tables[1].path, str(tmp_path / "rows.jsonl")]) == 0
    assert tables[1].to_arrow().sort_by("id") == tables[0].to_arrow().sort_by("id")


def test_wide_rows_are_whole_when_piped(tmp_path, capsys):
    names = [f"column_with_a_long_name_{number}" for number in range(40)]
    table = ls.connect(tmp_path).create_table("db.t", schema=dict.fromkeys(names, "INT"))
    table.insert([dict.fromkeys(names, 123456789)])
    assert main(["read", table.path]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == names
    assert row.split() == ["123456789"] * 40
