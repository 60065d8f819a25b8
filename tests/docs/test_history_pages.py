"""The pages on history and cleaning are executed: Python blocks in one session, shell blocks in one folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lakestore.api.system import SYSTEM_TABLES

ROOT = Path(__file__).parents[2]
PRINTED = {
    "history.md": [
        "[1, 2]",
        "[{'id': 1, 'status': 'new'}]",
        "['brief', 'release-1']",
        "1",
        "3 2",
        "3",
        "(4, 3)",
        "2",
        "4 [{'id': 1, 'status': 'paid'}]",
        "True",
    ],
    "cleaning.md": [
        "True",
        "3 7",
        "('day=2020-01-01',)",
        "['day=2100-01-01']",
        "()",
        "1",
        "True",
    ],
}


def ran(page, folder, capsys):
    """Run the blocks of a page; the lines that it printed."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    names: dict[str, object] = {}
    text = (ROOT / "docs" / page).read_text()
    for language, block in re.findall(r"^```(python|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(block, page, "exec"), names)
            continue
        words = ["bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(words, cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("page", PRINTED)
def test_the_page_says_what_happens(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert ran(page, tmp_path, capsys) == PRINTED[page]


@pytest.mark.parametrize("page", PRINTED)
def test_options_and_links_are_there(page):
    text = (ROOT / "docs" / page).read_text()
    known = (ROOT / "docs" / "options.md").read_text()
    options = re.findall(r"`((?:tag|snapshot|changelog|partition|consumer|manifest|scan|lakestore)\.[a-z.-]+)`", text)
    assert options
    assert [name for name in options if f"`{name}`" not in known] == []
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / "docs" / target).exists(), target


def test_every_system_table_is_named():
    text = (ROOT / "docs" / "history.md").read_text()
    assert [name for name in SYSTEM_TABLES if f"`{name}`" not in text] == []
