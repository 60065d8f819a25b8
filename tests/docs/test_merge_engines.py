"""The page about merge engines is executed: its Python blocks in one session, its shell blocks after them."""

import re
import subprocess
import sys
from pathlib import Path

import lakestore as ls
from lakestore.model.merging import Function

PAGE = (Path(__file__).parents[2] / "docs" / "merge-engines.md").read_text()


def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for language, block in re.findall(r"^```(python|console)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(block, "docs/merge-engines.md", "exec"), names)
            continue
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        done = subprocess.run(["bash", "-euc", block], env={"PATH": path}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert ls.open_table("warehouse/shop.db/stock").to_arrow().to_pylist() == [{"sku": "pen", "left": 5}]


def test_the_page_names_every_function():
    assert [name for name in Function if name is not Function.PRIMARY_KEY and f"`{name}`" not in PAGE] == []
