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
