"""The page on compaction is executed: Python blocks in one session, shell blocks in one folder."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compaction.md").read_text()
PRINTED = ["1 100", "() 0", "1 to 1 0", "-U 1 10", "+U 1 9", "-D 2 5"]


def test_the_page_says_what_happens(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAKESTORE_BACKGROUND", "on")
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    names: dict[str, object] = {}
    told = ""
    for language, block in re.findall(r"^```(python|console)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if language == "python":
            exec(compile(block, "compaction.md", "exec"), names)
            continue
        words = ["bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        told += done.stdout
    assert capsys.readouterr().out.splitlines() == PRINTED
    assert "next: nothing, 1 of 5 runs" in told
    assert "worst commit" in told


def test_options_are_documented_ones():
    known = (ROOT / "docs" / "options.md").read_text()
    options = set(
        re.findall(r"`((?:compaction|num-sorted-run|lookup|changelog-producer|record-level)[.-][a-z0-9.-]+)`", PAGE)
    )
    assert len(options) > 15
    assert [name for name in sorted(options) if f"`{name}`" not in known] == []
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
