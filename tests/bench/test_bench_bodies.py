"""The benchmarks still run and still check their answers: every body at a tiny size, without looking at the clock."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tools.bench import peers, race, report
from tools.bench.answers import Answer, WrongAnswerError, answer_of, verify
from tools.bench.data import SHAPES, draws, rows_of, winners
from tools.bench.measure import Figure, Timing, in_turns
from tools.bench.workloads import WORKLOADS, Scale
from tools.peers.environment import peer_python

ROOT = Path(__file__).parents[2]
TINY = Scale(rows=400, repeats=2)


@pytest.mark.parametrize("name", WORKLOADS)
def test_workload(name, tmp_path):
    figures = WORKLOADS[name](tmp_path, TINY)
    assert [figure.subject for figure in figures] == [report.FLOOR, "lakestore"]
    assert {figure.workload for figure in figures} == {name}
    for figure in figures:
        assert len(figure.timing.seconds) == 2
        assert figure.rows > 0
        assert report.ratio(figure, figures) > 0


@pytest.mark.parametrize("engine", peers.ENGINES)
@pytest.mark.parametrize("name", ["load", "project", "filter-value"])
def test_workload_with_a_peer(name, engine, tmp_path):
    if peer_python() is None:
        pytest.skip("NOT MEASURED: no peers here; python tools/peers/environment.py makes their environment")
    *_, figure = WORKLOADS[name](tmp_path, Scale(rows=400, repeats=1, peers=[engine]))
    assert figure.subject == engine
    assert figure.note == ""
    assert len(figure.timing.seconds) == 1


@pytest.mark.parametrize("name", SHAPES)
def test_every_id_has_a_key_of_its_own(name):
    shape = SHAPES[name]
    rows = rows_of(shape, np.arange(5000), 3)
    assert rows.schema == shape.schema
    assert rows.select(shape.key).group_by(shape.key).aggregate([]).num_rows == 5000
    assert rows.num_rows == 5000


def test_winners_are_the_last_version_of_each_key():
    runs = draws(50, 20, 4)
    model = {int(id_): version for version, ids in enumerate(runs) for id_ in ids}
    ids, versions = winners(runs)
    assert dict(zip(ids.tolist(), versions.tolist(), strict=True)) == model
    assert all(len(set(ids.tolist())) == 20 for ids in runs)


def test_answers_see_what_is_wrong():
    rows = rows_of(SHAPES["string"], np.arange(100), 0)
    right = answer_of(rows)
    shuffled = rows.take(pa.array(np.random.default_rng(0).permutation(100)))
    assert answer_of(shuffled) == right
    assert answer_of(rows.slice(1)) != right
    assert answer_of(pa.concat_tables([rows, rows.slice(99)])) != right
    swapped = rows.set_column(1, "qty", rows["qty"].take(pa.array(np.roll(np.arange(100), 1))))
    assert (answer_of(swapped).rows, answer_of(swapped).total) == (right.rows, right.total)
    assert answer_of(swapped) != right
    with pytest.raises(WrongAnswerError, match="somebody answers"):
        verify("somebody", answer_of(swapped), right)


def test_rounds_go_in_turns():
    order = []

    def setup(name):
        return lambda: lambda: order.append(name)

    timings = in_turns({"a": setup("a"), "b": setup("b")}, 3)
    assert order == ["a", "b"] * 3
    assert all(len(timing.seconds) == 3 for timing in timings.values())


def test_report(tmp_path, capsys):
    figures = [
        Figure("w", report.FLOOR, Timing((2.0, 1.0)), 10),
        Figure("w", "lakestore", Timing((3.0, 1.5, 2.0)), 10),
        Figure("w", "rust", None, 10, "failed: it ended"),
    ]
    report.show(figures)
    shown = capsys.readouterr().out
    assert "1.50x" in shown
    assert "failed: it ended" in shown
    report.write_json(figures, tmp_path / "out.json")
    told = json.loads((tmp_path / "out.json").read_text())
    assert [each["times_floor"] for each in told["figures"]] == [1.0, 1.5, None]
    assert told["machine"]["packages"]["pyarrow"] == pa.__version__


def test_race_is_clean(tmp_path):
    outcome = race.race("lakestore", str(tmp_path), processes=3, commits=3)
    assert outcome.clean, outcome
    assert outcome.acknowledged == 9


def test_the_judge_of_a_race_sees_what_is_wrong():
    rows = pa.table({"worker": [0, 0, 1, 1], "number": [0, 0, 0, 7]}, schema=race.SCHEMA)
    told = [
        {"acknowledged": [0, 1], "errors": [], "seconds": 1.0},
        {"acknowledged": [0], "errors": ["E: no", "E: no"], "seconds": 2.0},
    ]
    outcome = race.judge("x", "local", 5, told, rows)
    assert (outcome.acknowledged, outcome.lost, outcome.doubled, outcome.unannounced) == (3, 1, 1, 1)
    assert outcome.errors == {"E: no": 2}
    assert not outcome.clean


def test_command(tmp_path):
    command = [sys.executable, ROOT / "tools/bench/run.py", "load", "--rows", "100", "--repeats", "1"]
    done = subprocess.run([*command, "--json", tmp_path / "o.json"], capture_output=True, text=True, check=True)
    assert "parquet floor" in done.stdout
    assert json.loads((tmp_path / "o.json").read_text())["figures"][1]["subject"] == "lakestore"
    wrong = subprocess.run([sys.executable, command[1], "nonsense"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "there are load" in wrong.stderr


def test_answer_is_json():
    assert Answer(**Answer(1, 2, 3).as_json()) == Answer(1, 2, 3)
