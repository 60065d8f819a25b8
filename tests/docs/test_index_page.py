"""The page on indexes is executed: Python blocks in one session, shell blocks in one folder."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "indexes.md"
PRINTED = [
    "9 of 10 files skipped by index",
    "1 row",
    "5 of the files left have no file index yet; rewrite_file_index() makes it",
    "5 files indexed",
    "1 file left",
    "file index",
]


def test_blocks_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    names: dict[str, object] = {}
    shown = ""
    for language, block in re.findall(r"^```(python|console)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(block, PAGE.name, "exec"), names)
        else:
            command = ["bash", "-euo", "pipefail", "-c", block]
            done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
            shown += done.stdout
    printed, place = capsys.readouterr().out, 0
    for expected in PRINTED:
        found = printed.find(expected, place)
        assert found >= 0, f"{expected!r} is not behind {printed[:place]!r} in {printed!r}"
        place = found
    assert "5 files: 0 would be indexed" in shown
    assert "5 files: " in shown
    assert printed.split("snapshot 1, ")[-1] in "snapshot 1, " + shown


def test_options_are_there():
    known = (PAGE.parent / "options.md").read_text()
    for name in re.findall(r"`(file-index\.[a-z.-]+)`", PAGE.read_text()):
        assert f"`{name}`" in known, name
