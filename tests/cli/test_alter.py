"""Command ``alter``: what it changes, says and refuses."""

import json

import pytest

import lakestore as ls
from lakestore.cli.main import main


@pytest.fixture
def orders(tmp_path, capsys):
    path = f"{tmp_path}/wh/shop.db/orders"
    columns = ["-c", "id BIGINT", "-c", "qty INT", "-c", "x STRING", "-k", "id"]
    assert main(["create", path, *columns, "-o", "bucket=2"]) == 0
    ls.open_table(path).upsert([{"id": 1, "qty": 3, "x": "a"}])
    capsys.readouterr()
    return path


def test_everything_at_once(orders, capsys):
    words = [
        "--add",
        "color VARCHAR(20) after id",
        "--rename",
        "qty=quantity",
        "--drop",
        "x",
        "--comment",
        "all orders",
    ]
    words += ["--type", "quantity BIGINT", "--move", "quantity FIRST", "--set", "write-only=true"]
    words += ["--column-comment", "quantity=how many", "--default", "color=red"]
    assert main(["alter", orders, *words]) == 0
    assert capsys.readouterr().out == "altered orders: schema 1\n"
    table = ls.open_table(orders)
    assert table.schema.names == ["quantity", "id", "color"]
    assert table.options == {"bucket": "2", "write-only": "true"}
    assert table.scan().to_pylist() == [{"quantity": 3, "id": 1, "color": None}]
    assert main(["alter", orders, "--unset", "write-only", "--json", "--add", "last DECIMAL(10, 2) LAST"]) == 0
    assert json.loads(capsys.readouterr().out) == {"table": "orders", "schema_id": 2, "notes": []}
    assert ls.open_table(orders).schema.names[-1] == "last"


def test_members_of_nested_columns_and_defaults(orders, capsys):
    words = ["--add", "where ROW<city STRING, zip INT>", "--add", "tags ARRAY<INT>", "--add", "m MAP<STRING, INT>"]
    assert main(["alter", orders, *words, "--default", "qty=1"]) == 0
    ls.open_table(orders).upsert([{"id": 2, "where": {"city": "Rome", "zip": 1}, "tags": [1], "m": {"k": 1}}])
    words = ["--add", "where.at DATE FIRST", "--add", "where.geo ROW<lat DOUBLE> AFTER town", "--drop", "where.zip"]
    words += ["--rename", "where.city=town", "--move", "where.at LAST", "--column-comment", "where.town=which"]
    words += ["--type", "tags.element BIGINT", "--type", "m.value BIGINT", "--no-default", "qty"]
    words += ["--move", "where.town BEFORE at", "--nullable", "where.town"]
    assert main(["alter", orders, *words]) == 0
    table = ls.open_table(orders)
    table.upsert([{"id": 3, "tags": [1 << 40], "m": {"k": 1 << 40}, "where": {"geo": {"lat": 1.5}}}])
    assert sorted(table.scan(select=["id", "qty", "where", "tags", "m"]).to_pylist(), key=lambda row: row["id"])[
        1:
    ] == [
        {"id": 2, "qty": 1, "where": {"geo": None, "town": "Rome", "at": None}, "tags": [1], "m": [("k", 1)]},
        {
            "id": 3,
            "qty": None,
            "where": {"geo": {"lat": 1.5}, "town": None, "at": None},
            "tags": [1 << 40],
            "m": [("k", 1 << 40)],
        },
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [("merge-engine", "aggregation"), ("bucket", "-1"), ("bucket-key", "qty"), ("primary-key", "qty"), ("type", "x")],
)
def test_options_that_rows_were_written_by_stay(orders, capsys, key, value):
    assert main(["alter", orders, "--set", f"{key}={value}"]) == 1
    assert f"option '{key}' cannot be set to '{value}'" in " ".join(capsys.readouterr().err.split())
    assert ls.open_table(orders).schema_id == 0


def test_nullability_and_nothing_to_do(orders, capsys):
    assert main(["alter", orders, "--set", "alter-column-null-to-not-null.disabled=false"]) == 0
    assert main(["alter", orders, "--not-null", "qty"]) == 0
    assert main(["alter", orders, "--not-null", "qty"]) == 0
    assert "nothing to change in orders" in capsys.readouterr().out
    assert not ls.open_table(orders).schema.field("qty").nullable
    assert main(["alter", orders, "--nullable", "qty"]) == 0
    assert ls.open_table(orders).schema.field("qty").nullable


def test_notes_go_to_stderr(orders, capsys):
    assert main(["alter", orders, "--set", "bucket=4"]) == 0
    assert "note: option bucket set to 4" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no changes"),
        (["--add", "color"], 'expected "column TYPE"'),
        (["--move", "x"], 'expected "column FIRST"'),
        (["--rename", "x"], "expected key=value"),
        (["--drop", "id"], "primary key"),
        (["--type", "qty DATE"], "Paimon has no such cast"),
    ],
)
def test_refusals(orders, capsys, words, message):
    assert main(["alter", orders, *words]) == 1
    assert message in " ".join(capsys.readouterr().err.split())
    assert ls.open_table(orders).schema_id == 0
