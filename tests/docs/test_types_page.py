"""The page on types is executed, and says what is so."""

import re
from pathlib import Path

import lakestore as ls
from lakestore.core.file_formats import CODECS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "types.md").read_text()
PRINTED = [
    "[{'id': 1, 'address': {'city': 'Rome'}}]",
    "'address.zip': the value 1099511627776",
    "1\n",
    "(10, 1099511627776)",
    "'nick'",
]


def test_blocks_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/types.md", "exec"), names)
    printed = capsys.readouterr().out
    place = 0
    for expected in PRINTED:
        place = printed.find(expected, place)
        assert place >= 0, f"{expected!r} is missing or out of order in {printed!r}"


def test_options_and_links_are_there():
    known = (ROOT / "docs" / "options.md").read_text()
    for name in re.findall(r"`([a-z]+(?:[.-][a-z-]+)+)`", PAGE):
        assert f"`{name}`" in known, name
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


def test_changes_and_flags_are_there():
    flags = (ROOT / "docs" / "cli.md").read_text()
    for flag in re.findall(r"`(--[a-z-]+)", PAGE):
        assert flag in flags, flag
    for name in re.findall(r"`([a-z]+_[a-z_]+)[(`]", PAGE):
        if name not in {"string_view", "large_string", "large_binary", "binary_view", "fixed_size_binary"}:
            assert hasattr(ls, name) or name in {"large_list", "fixed_size_list"}, name


def test_codecs_are_those_that_are_written():
    (line,) = re.findall(r"^\| codecs .*$", PAGE, re.MULTILINE)
    for told, form in zip(line.split("|")[2:5], ("parquet", "orc", "avro"), strict=True):
        assert {word.strip() for word in told.split(",")} <= set(CODECS[form])
