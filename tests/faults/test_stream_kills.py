"""Writers and readers killed at random points: what arrives is what was sent, once (``stream_kills`` has the rules)."""

import tempfile
from pathlib import Path

import pytest

from tests.faults import stream_kills

ROUNDS = 6
MANY = 167
"""Of each kind of table; three kinds make 500 rounds."""


@pytest.fixture
def folder():
    """In memory where there is such a place: a kill takes no power away, so nothing hangs on the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.mark.parametrize("kind", list(stream_kills.OPTIONS))
@pytest.mark.parametrize(
    ("count", "seed"), [(ROUNDS, 1), pytest.param(MANY, 2, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)
def test_killed_at_random(folder, kind, count, seed):
    scene = stream_kills.Scene(folder)
    scene.create(kind)
    stream_kills.rounds(scene, count, seed)
    last = stream_kills.finish(scene)
    print(f"{kind}: {count} rounds, {last} rows")
    stream_kills.check(scene, last)
