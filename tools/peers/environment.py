"""The environment of the other Python engines: one virtual environment that git ignores.

    python tools/peers/environment.py [FOLDER]

makes it (``.judge/peers`` unless a folder is named). Nothing of LakeStore is installed there, and nothing of it is
installed beside LakeStore, since the engines pin other releases of pyarrow. ``PEER_PYTHON`` names the interpreter of
an environment made elsewhere.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".judge"
"""Everything that the judges download or build; ignored by git."""

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
HOW = "python tools/peers/environment.py makes it, or let PEER_PYTHON name an interpreter that has pypaimon"


def peer_python() -> Path | None:
    """The interpreter that has the peers, or None when there is none."""
    named = os.environ.get("PEER_PYTHON")
    path = Path(named) if named else HOME / "peers" / "bin" / "python"
    return path if path.exists() else None


def make(folder: Path = HOME / "peers") -> Path:
    """Make the environment and install the peers; returns its interpreter."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", REQUIREMENTS], check=True)
    return python


def versions() -> dict[str, str]:
    """Installed releases of the peers, by package; empty without an environment."""
    python = peer_python()
    if python is None:
        return {}
    code = "import importlib.metadata as m; print(*(f'{p}={m.version(p)}' for p in ('pypaimon', 'pypaimon-rust', 'pyarrow')))"
    told = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return dict(each.split("=") for each in told.stdout.split())


if __name__ == "__main__":
    made = make(Path(sys.argv[1])) if len(sys.argv) > 1 else make()
    print(f"{made}: " + ", ".join(f"{name} {version}" for name, version in versions().items()))
