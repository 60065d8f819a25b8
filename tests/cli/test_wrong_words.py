"""What a newcomer sees who types wrong words: the shell's own words, exit code 1, and nothing written."""

import json

import pytest

import lakestore as ls
from lakestore.cli.main import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = ls.connect("wh").create_table("shop.days", schema={"id": "INT", "day": "STRING"}, partition_by=["day"])
    table.insert([{"id": 1, "day": "a"}])
    table.insert([{"id": 2, "day": "b"}])
    (tmp_path / "rows.csv").write_text("id\n1\n")
    return tmp_path


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


DAYS = "wh/shop.db/days"
REFUSED = [
    (["changes", DAYS], ["START and END", "--to-auto-tag"]),
    (["changes", DAYS, "1"], ["START and END", "--to-auto-tag"]),
    (["changes", DAYS, "1", "2", "--to-auto-tag", "x"], ["START and END", "--to-auto-tag"]),
    (["changes", DAYS, "2", "1"], ["expected the earlier one first"]),
    (["changes", DAYS, "1", "9"], ["no snapshot 3", "still to come", "1 to 2"]),
    (["changes", DAYS, "1", "2", "--mode", "changelog"], ["changelog-producer", "mode delta", "mode diff"]),
    (["changes", DAYS, "--to-auto-tag", "x"], ["'x'", "name the two tags"]),
    (["drop", "nope"], ["no table at", "nope"]),
    (["drop", "rows.csv"], ["rows.csv is a file", "folder of a table"]),
    (["drop", "wh/shop.db/nope"], ["'shop.nope' not found", "days"]),
    (["read", "rows.csv"], ["rows.csv is a file", "`lakestore write`"]),
    (["read", "days", "-w", "rows.csv"], ["rows.csv is a file", "folder of a warehouse"]),
    (["alter", DAYS, "--unset", "zz"], ["'zz'", "not set"]),
    (["create", ".a", "-w", "wh", "-c", "id INT"], ["'.a'", "empty"]),
    (["create", "wh/shop.db/x", "-c", "id INTT"], ["column 'id'", "did you mean INT?"]),
    (["create", "wh/shop.db/x", "-c", "id ARRAY<INT"], ["column 'id'", "'>' for every '<'"]),
    (["orphan", "remove", DAYS, "--older-than", "-5"], ["--older-than '-5'", '"2 d"']),
    (["snapshot", "expire", DAYS, "--older-than", "x"], ["--older-than 'x'", '"2 d"']),
    (["consumer", "reset", DAYS, "reader", "9"], ["reader", "expected 1 to 3"]),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=lambda each: " ".join(each)[:40])
def test_wrong_words_are_answered_in_the_shells_words(folder, words, said, capsys):
    before = files(folder)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert [word for word in said if word not in error] == [], error
    assert "between=" not in error
    assert "mode=" not in error
    assert files(folder) == before


def test_hours_below_zero_are_wrong_usage(folder, capsys):
    assert main(["consumer", "expire", DAYS, "--idle-hours", "-5"]) == 2
    assert "--idle-hours" in capsys.readouterr().err


def test_a_consumer_that_is_made_by_a_reset_is_told(folder, capsys):
    assert main(["consumer", "reset", DAYS, "reader", "1"]) == 0
    out = capsys.readouterr().out
    assert "there was no consumer reader: made it" in out
    assert "reads snapshot 1 next" in out
    assert main(["consumer", "reset", DAYS, "reader", "2"]) == 0
    assert capsys.readouterr().out == "consumer reader reads snapshot 2 next\n"
    assert main(["consumer", "reset", DAYS, "other", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"consumer": "other", "next_snapshot": 2, "created": True}


def test_partitions_are_listed_with_times_and_in_json_exactly(folder, capsys):
    newest = {each.text: each.newest_ms for each in ls.open_table(DAYS).partitions()}
    assert main(["partition", "list", DAYS, "--json"]) == 0
    assert {row["partition"]: row["newest"] for row in json.loads(capsys.readouterr().out)} == newest
    assert main(["partition", "list", DAYS]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["partition", "files", "rows", "newest"]
    for line, (name, ms) in zip(lines, newest.items(), strict=True):
        shown = line.split()
        assert shown[:3] == [name, "1", "1"]
        assert shown[3][:10].count("-") == 2
        assert f".{ms % 1000:03}" in shown[3] or ms % 1000 == 0
