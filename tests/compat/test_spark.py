"""Spark and LakeStore at the same table: in turns, and at the same time.

Skipped, and said so, where Spark's jars are not there:
``python tools/judge/setup.py --no-java --no-peers --spark-version 0.9.0`` fetches them.
"""

import re
from pathlib import Path

import pytest

from tests.compat.pages import DOCS, run_page
from tests.compat.turns import Turns, at_the_same_time, play
from tests.golden import canon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("producer", ["none", "lookup"])
def test_ten_rounds_in_turns(engines, tmp_path, producer):
    play(Turns(tmp_path, engines("spark"), **{"changelog-producer": producer}), merges=True)


@pytest.mark.parametrize("key", [True, False])
def test_spark_and_lakestore_write_at_the_same_time(engines, tmp_path, key):
    judge = engines("spark")
    table, ours, theirs = at_the_same_time(judge, tmp_path, commits=15, key=key)
    assert len(theirs) == 45
    rows = canon.rows_of(table.to_arrow(), canon.newest_shape(Path(table.path)).kinds)
    assert canon.difference([*ours, *theirs], rows) is None
    assert table.check(deep=True).ok


def test_the_page_runs(engines, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    judge, table, answers = engines("spark"), tmp_path / "warehouse" / "shop.db" / "orders", []

    def sql(statement):
        answers.append(judge.ask("sql", table, statement=statement.replace("lake.", "{c}.")))

    run_page("spark.md", {}, sql)
    assert capsys.readouterr().out.splitlines() == [
        "1 pen 2.20",
        "2 blue ink 6.00",
        "4 ruler 3.00",
        "['closing', 'opening']",
        "2 3",
    ]
    assert answers[0] == [{"id": "1", "item": "pen", "price": "2.00"}, {"id": "2", "item": "ink", "price": "5.00"}]
    assert answers[-2:] == [[{"count(1)": "2"}], [{"count(1)": "2"}]]


def test_the_page_starts_spark_as_the_judge_does():
    page, peer = (DOCS / "spark.md").read_text(), (DOCS.parent / "tools" / "judge" / "spark_peer.py").read_text()
    given = dict(each.split("=", 1) for each in re.findall(r"--conf (\S+)", page))
    assert given.pop("spark.sql.catalog.lake.warehouse") == "/path/to/warehouse"
    assert f'"{given.pop("spark.sql.catalog.lake")}"' in peer
    assert [f'"{name}": "{value}"' in peer for name, value in given.items()] == [True]
