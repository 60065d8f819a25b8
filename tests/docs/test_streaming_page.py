"""The page on streaming is executed: Python blocks in one session, shell blocks in one folder; and its examples run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import lakestore as ls

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "streaming.md").read_text()
PRINTED = [
    "2 True 2",
    "[{'_row_kind': '+I', 'id': 3, 'status': 'new'}]",
    "['dashboard']",
    "[1, 1, 3]",
    "10 [{'id': 2, 'status': 'step 10'}]",
    "False",
    "True",
    "[0, 1, 2, 3, 100, 101]",
]


def test_the_page_says_what_happens(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    names: dict[str, object] = {}
    for language, block in re.findall(r"^```(python|console)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(block, "streaming.md", "exec"), names)
            continue
        words = ["bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
    assert capsys.readouterr().out.splitlines() == PRINTED
    copies = [ls.connect("warehouse").table(f"shop.{name}").to_arrow().sort_by("id") for name in ("orders", "copy")]
    assert copies[0].to_pylist() == copies[1].to_pylist()


def test_options_and_links_are_there():
    known = (ROOT / "docs" / "options.md").read_text()
    options = re.findall(r"`((?:changelog|consumer|scan)[.-][a-z.-]+)`", PAGE)
    assert options
    assert [name for name in options if f"`{name}`" not in known] == []
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


def test_a_bytewax_dataflow_that_crashes_writes_each_event_once(tmp_path, monkeypatch):
    pytest.importorskip("bytewax.dataflow", reason="SKIPPED LOUDLY: `pip install bytewax` runs the Bytewax recipe")
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import bytewax_ingest as recipe
    from bytewax.testing import TestingSource, run_main

    table = ls.connect(tmp_path).create_table(
        "db.t", schema={"id": "BIGINT", "v": "STRING"}, primary_key=["id"], options={"bucket": "1"}
    )
    events = [(offset, {"id": offset, "v": f"event {offset}"}) for offset in range(1, 21)]
    crashing = [*events[:7], TestingSource.ABORT(), *events[7:]]
    run_main(recipe.ingest(TestingSource(crashing, batch_size=3), table, "flow"))
    assert 0 < table.count() < 20
    run_main(recipe.ingest(TestingSource(events, batch_size=4), table, "flow"))
    assert table.to_arrow().column("id").to_pylist() == list(range(1, 21))
    seen = []
    for change in table.stream("earliest", until="latest"):
        seen += change.batch.column("id").to_pylist()
    assert sorted(seen) == list(range(1, 21)), "each event once, also in the changes"


def test_a_table_is_a_bytewax_source(tmp_path, monkeypatch):
    pytest.importorskip("bytewax.dataflow", reason="SKIPPED LOUDLY: `pip install bytewax` runs the Bytewax recipe")
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import bytewax.operators as op
    import bytewax_ingest as recipe
    from bytewax.dataflow import Dataflow
    from bytewax.testing import TestingSink, run_main

    table = ls.connect(tmp_path).create_table("db.t", schema={"id": "BIGINT"}, options={})
    table.insert([{"id": 1}, {"id": 2}])
    table.insert([{"id": 3}])
    seen: list[dict] = []
    flow = Dataflow("follow")
    op.output("seen", op.input("table", flow, recipe.ChangesSource(table)), TestingSink(seen))
    run_main(flow)
    assert sorted(row["id"] for row in seen) == [1, 2, 3]
