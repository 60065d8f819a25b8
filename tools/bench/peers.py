"""Asks the peers for their times: each request is a process of its own in their environment."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tools.bench.answers import Answer, verify
from tools.bench.measure import Figure, Timing
from tools.peers.environment import HOW, peer_python

ENGINES = ("pypaimon", "rust")
SCRIPT = Path(__file__).with_name("peer_bench.py")
MINUTES_AT_MOST = 20


class PeerError(Exception):
    """A peer failed; the message is the end of what it said."""


def ask(**request: Any) -> dict[str, Any]:
    """Send one request.

    Raises:
        PeerError: There is no environment, or the peer failed.
    """
    python = peer_python()
    if python is None:
        raise PeerError(f"no peers here: {HOW}")
    told = subprocess.run(
        [python, SCRIPT, json.dumps(request)],
        check=False,
        capture_output=True,
        text=True,
        timeout=MINUTES_AT_MOST * 60,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if told.returncode:
        raise PeerError(told.stderr.strip().splitlines()[-1][:300] if told.stderr.strip() else "it ended")
    return json.loads(told.stdout.strip().splitlines()[-1])


def figure(workload: str, engine: str, expected: Answer, *, rows: int, **request: Any) -> Figure:
    """A peer's figure at a workload, verified; a peer that fails has no time but says why."""
    try:
        told = ask(engine=engine, **request)
    except PeerError as failure:
        return Figure(workload, engine, None, rows, f"failed: {failure}")
    verify(f"{engine} at {workload}", Answer(**told["answer"]), expected)
    return Figure(workload, engine, Timing(tuple(told["seconds"]), tuple(told["processor"])), rows)
