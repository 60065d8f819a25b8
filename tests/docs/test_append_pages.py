"""The pages on append tables and clustering are executed: Python blocks in one session, shell blocks in one folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRINTED = {
    "append-tables.md": [
        "6",
        "2 files to 1",
        "()",
        "[1, 11]",
        "[{'name': 'a', '_ROW_ID': 0, '_SEQUENCE_NUMBER': 1}, {'name': 'c', '_ROW_ID': 1, '_SEQUENCE_NUMBER': 2}]",
    ],
    "clustering.md": ["1 file, 200000 rows", "True", "8 runs"],
}


@pytest.mark.parametrize("page", PRINTED)
def test_blocks_run_in_order(page, tmp_path, monkeypatch, capsys):
    text = (ROOT / "docs" / page).read_text()
    monkeypatch.chdir(tmp_path)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    names: dict[str, object] = {}
    for language, block in re.findall(r"^```(python|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(block, page, "exec"), names)
        else:
            command = ["bash", "-euo", "pipefail", "-c", block]
            subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    printed = capsys.readouterr().out
    place = 0
    for expected in PRINTED[page]:
        found = printed.find(expected, place)
        assert found >= 0, f"{expected!r} is not behind {printed[:place]!r} in {printed!r}"
        place = found


@pytest.mark.parametrize("page", PRINTED)
def test_options_and_links_are_there(page):
    text = (ROOT / "docs" / page).read_text()
    known = (ROOT / "docs" / "options.md").read_text()
    for name in re.findall(r"`([a-z]+(?:[.-][a-z-]+)+)`", text):
        assert f"`{name}`" in known, name
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / "docs" / target).exists(), target
