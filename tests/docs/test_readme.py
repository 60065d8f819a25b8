"""README is executed: its Python blocks in one session, its shell blocks in one folder."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETUP = ("pip install", "python3 tools/check.py")
"""Commands that set up or test the project: CI itself runs them, a test cannot."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_python_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "[{'id': 1, 'status': 'paid'}]" in printed
    assert "\n2\n" in printed


def test_shell_blocks_run(tmp_path):
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    ran = 0
    for block in blocks("console"):
        if block.startswith(SETUP):
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        ran += len(block.splitlines())
    assert ran >= 4


def test_setup_commands_exist():
    commands = [shlex.split(line) for block in blocks("console") for line in block.splitlines()]
    assert ["python3", "tools/check.py"] in commands
    assert (ROOT / "tools" / "check.py").exists()
    assert "tools/check.py" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("page", sorted(path.name for path in ROOT.glob("*.md")))
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / target).exists(), f"{page} links to {target}"
