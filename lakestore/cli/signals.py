"""Stopping a command that runs until it is told to: SIGTERM and SIGINT."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether somebody asked to stop; asking twice means at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """Whether somebody asked."""
        return self.asked

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Take a signal: the first is remembered, the second interrupts.

        Raises:
            KeyboardInterrupt: It is the second.
        """
        del number, frame
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Catch signals inside the block; the handlers before it come back after it."""
    request = StopRequest()
    before = {number: signal.signal(number, request.ask) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
