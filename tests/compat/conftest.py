"""Engines that judge, for all tests here."""

import pytest

from tools.judge.engines import Engine
from tools.judge.places import NotInstalledError


@pytest.fixture(scope="module")
def engines():
    """Opens engines by name, once each; skips the test when one is not installed."""
    opened = {}

    def engine(name):
        if name not in opened:
            try:
                opened[name] = Engine(name)
            except NotInstalledError as missing:
                pytest.skip(f"NOT JUDGED by {name}: {missing}")
        return opened[name]

    yield engine
    for each in opened.values():
        each.close()
