"""A stream as users hold it: an iterator of changes, for ``for`` and for ``async for``, over one engine.

Changes are read ahead in the background. A stream may be left at any change; ``close`` (or the ``with`` block) ends it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from lakestore.env import Clock
from lakestore.model.stream import Position
from lakestore.read.follow import Steps
from lakestore.read.follow_parts import Moved, Rows, Step, Wait
from lakestore.storage.prefetch import Prefetch

NAP_SECONDS = 0.1
"""A waiting stream looks this often whether it was closed."""

PREFETCH_BYTES = 64 * 1024 * 1024
"""Bytes of changes that are read ahead, by default."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """Some rows that a stream hands out.

    Attributes:
        batch: The rows; the first column, ``_row_kind``, says ``+I``, ``-U``, ``+U`` or ``-D``.
        snapshot_id: The snapshot that they are of.
        full: True for rows of the table's whole state, False for changes that the snapshot made. Where a stream begins
            anew (``expired="latest-full"``), rows that are ``full`` replace all that came before.
        last: Whether these are the last rows of that snapshot.
        watermark: The snapshot's watermark, None when it has none.
        commit_time_ms: When the snapshot was committed, epoch milliseconds.
        position: Where to go on behind these rows, for ``start=``; can be kept as JSON.
    """

    batch: pa.RecordBatch
    snapshot_id: int
    full: bool
    last: bool
    watermark: int | None
    commit_time_ms: int
    position: Mapping[str, Any]
    _ack: Callable[["Change"], None] = field(repr=False)

    def ack(self) -> None:
        """Say that these rows, and all before them, are dealt with: the consumer's position moves behind them."""
        self._ack(self)


class ChangeStream:
    """Changes of a table, one after another. Made by ``Table.stream``.

    Attributes:
        schema: Arrow schema of all batches.
    """

    def __init__(
        self,
        *,
        schema: pa.Schema,
        steps: Callable[[Position], Steps],
        start: Position,
        clock: Clock,
        prefetch_bytes: int,
        save: Callable[[Position], None] | None,
        ack_on_next: bool,
    ) -> None:
        self.schema = schema
        self._clock = clock
        self._save = save
        self._ack_on_next = ack_on_next
        self._position = start
        self._handed: Change | None = None
        self._acked = True
        self._passed: Position | None = None
        self._closed = False
        self._steps: Prefetch[Step] = Prefetch(steps(start), weigh=_weight, budget=prefetch_bytes)

    @property
    def position(self) -> Mapping[str, Any]:
        """Where to go on behind all that was acknowledged, or passed over because it had no rows."""
        return self._position.to_dict()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Change:
        while True:
            step = self._step()
            if isinstance(step, Change):
                return step
            if step is None:
                self.close()
                raise StopIteration
            self._sleep(step.seconds)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        while True:
            step = await asyncio.to_thread(self._step)
            if isinstance(step, Change):
                return step
            if step is None:
                await asyncio.to_thread(self.close)
                raise StopAsyncIteration
            await asyncio.to_thread(self._sleep, step.seconds)

    def stop(self) -> None:
        """Let the stream end before its next change; returns at once, so that signal handlers may call it."""
        self._closed = True

    def close(self) -> None:
        """End the stream; what was not acknowledged comes again."""
        self._closed = True
        self._steps.close()

    async def aclose(self) -> None:
        """As ``close``, without holding up the event loop."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _step(self) -> Change | Wait | None:
        """The next change, a wait, or None at the end."""
        if self._ack_on_next and self._handed is not None and not self._closed:
            self._handed.ack()
        for step in self._steps:
            if self._closed:
                return None
            if isinstance(step, Wait):
                return step
            if isinstance(step, Rows):
                self._acked, self._passed = False, None
                self._handed = self._change(step)
                return self._handed
            self._pass(step)
        return None

    def _change(self, rows: Rows) -> Change:
        return Change(
            batch=rows.batch,
            snapshot_id=rows.snapshot.id,
            full=rows.full,
            last=rows.last,
            watermark=rows.snapshot.watermark,
            commit_time_ms=rows.snapshot.time_millis,
            position=rows.position.to_dict(),
            _ack=self._acknowledge,
        )

    def _acknowledge(self, change: Change) -> None:
        position = Position.from_dict(change.position)
        if change is self._handed:
            self._acked = True
            self._move(self._passed or position)
        elif _order(position) > _order(self._position):
            self._move(position)

    def _pass(self, step: Moved) -> None:
        """Snapshots without rows need no acknowledgement once everything before them has it."""
        self._passed = step.position
        if self._acked:
            self._move(step.position)

    def _move(self, position: Position) -> None:
        if position == self._position:
            return
        self._position = position
        if self._save is not None:
            self._save(position)

    def _sleep(self, seconds: float) -> None:
        while seconds > 0 and not self._closed:
            nap = min(seconds, NAP_SECONDS)
            self._clock.sleep(nap)
            seconds -= nap


def _weight(step: Step) -> int | None:
    if isinstance(step, Wait):
        return None
    return int(step.batch.nbytes) if isinstance(step, Rows) else 0


def _order(position: Position) -> tuple[int, bool, int]:
    """What orders positions of one stream: the rows of a state come before the changes of the next snapshot."""
    return position.next_snapshot, not position.full, position.rows
