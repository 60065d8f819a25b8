"""The shape of the source: sizes, first docstrings, public names, weight of the import."""

import ast
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lakestore

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "lakestore").rglob("*.py"))
MAX_LINES = 400
MAX_FUNCTION_LINES = 65
"""Of its body, without signature and docstring."""
FEW_VALUES = {
    "values.py": "bounds and literals, a handful at a time",
    "result.py": "ArrowResult.to_pylist, a named choice",
    "unions.py": "serialized bitmaps and sketches: the library takes them as bytes objects, one call a key",
}
HEAVY = ("pandas", "polars", "duckdb", "ray", "pyarrow.dataset", "s3fs")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_small_and_says_what_it_is(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            documented = len(node.body) > 1 and ast.get_docstring(node) is not None
            length = (node.end_lineno or 0) - node.body[documented].lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_tell_the_truth(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            inner = [item for item in ast.walk(node) if isinstance(item, ast.Import | ast.ImportFrom)]
            assert not inner, f"{node.name} imports inside"


def test_rows_never_move_one_by_one():
    offenders = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in SOURCES
        if "cli" not in path.parts and path.name not in FEW_VALUES
        for line in path.read_text().splitlines()
        if re.search(r"\bto_pylist\(\)", line)
    ]
    assert not offenders, "\n".join(offenders)


def test_public_names_are_the_visible_names():
    for name in lakestore.__all__:
        assert getattr(lakestore, name) is not None
    assert sorted(dir(lakestore)) == sorted(lakestore.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lakestore.nonsense  # noqa: B018


def test_import_brings_nothing_heavy():
    code = "import sys, lakestore; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in HEAVY if name in loaded]


def test_connecting_brings_nothing_heavy():
    code = "import sys, lakestore; lakestore.connect('/tmp/nowhere'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in HEAVY if name in loaded]


@pytest.mark.slow
def test_import_is_fast():
    """A promise in milliseconds: measured where the machine is quiet, so not on every push."""

    def seconds(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - started

    bare = statistics.median(seconds("pass") for _ in range(7))
    ours = statistics.median(seconds("import lakestore") for _ in range(7))
    assert ours - bare < 0.150
