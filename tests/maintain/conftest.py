"""A listener for all tests here."""

import pytest

from tests.maintain.beside import Listener


@pytest.fixture
def listener():
    found = Listener()
    yield found
    found.go.set()
