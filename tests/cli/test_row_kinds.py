"""``lakestore write --row-kind`` and ``--row-kind-column``."""

import pytest

import lakestore as ls
from lakestore.cli.main import main


@pytest.fixture
def totals(tmp_path):
    path = f"{tmp_path}/wh/shop.db/totals"
    options = ["-o", "merge-engine=aggregation", "-o", "fields.qty.aggregate-function=sum"]
    assert main(["create", path, "-c", "id BIGINT", "-c", "qty INT", "-k", "id", *options]) == 0
    return path


@pytest.fixture
def source(tmp_path):
    def made(text, name="rows.csv"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return made


def quantities(path):
    return {row["id"]: row["qty"] for row in ls.open_table(path).to_arrow().to_pylist()}


def test_a_column_of_the_file_says_the_kinds(totals, source):
    file = source("id,qty,op\n1,5,+I\n1,2,-D\n2,4,+U\n")
    assert main(["write", totals, file, "--row-kind-column", "op"]) == 0
    assert quantities(totals) == {1: 3, 2: 4}
    lines = '{"id": 2, "qty": 1, "op": "-U"}\n'
    assert main(["write", totals, source(lines, "rows.jsonl"), "--row-kind-column", "op"]) == 0
    assert quantities(totals) == {1: 3, 2: 3}


def test_one_kind_for_all_rows(totals, source):
    assert main(["write", totals, source("id,qty\n1,5\n")]) == 0
    assert main(["write", totals, source("id,qty\n1,2\n"), "--row-kind", "-D"]) == 0
    assert quantities(totals) == {1: 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--row-kind", "delete"], "expected one of +I, -U, +U, -D"),
        (["--row-kind", "-D", "--row-kind-column", "op"], "give one of them"),
        (["--row-kind", "-D", "--overwrite"], "leave --row-kind out"),
        (["--row-kind-column", "kind"], "the rows have no such column"),
        (["--row-kind-column", "qty"], "is a column of the table"),
    ],
)
def test_what_makes_no_sense_is_refused(totals, source, capsys, arguments, message):
    assert main(["write", totals, source("id,qty,op\n1,5,+I\n"), *arguments]) == 1
    assert message in " ".join(capsys.readouterr().err.split())
    assert ls.open_table(totals).snapshots.latest() is None


def test_a_retract_that_the_table_cannot_take_exits_1(tmp_path, source, capsys):
    path = f"{tmp_path}/wh/shop.db/partial"
    assert main(["create", path, "-c", "id INT", "-c", "a INT", "-k", "id", "-o", "merge-engine=partial-update"]) == 0
    assert main(["write", path, source("id,a\n1,5\n"), "--row-kind", "-D"]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "row 0 is a -D row" in error
    assert "partial-update.remove-record-on-delete" in error
