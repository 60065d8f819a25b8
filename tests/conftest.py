"""For all tests: what runs in the background elsewhere runs within the commit here, and tables lie in memory.

Every commit waits for its disk, a hundred thousand times in a run; a folder in memory takes the same calls at once.
"""

import os
import shutil
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
SPARE_BYTES = 4 << 30

if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > SPARE_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

os.environ.setdefault("LAKESTORE_BACKGROUND", "off")


@pytest.fixture(autouse=True, scope="session")
def few_rows_are_worth_a_thread():
    """What commits do beside themselves with many rows is done with few here, so that sweeps and laws go through it."""
    from lakestore.maintain import compact_ahead

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact_ahead, "BYTES_MIN", 0)
        yield
