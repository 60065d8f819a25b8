"""A Bytewax dataflow into a table, exactly once: events carry their offset, and commits are numbered by it.

Bytewax may run a batch again after a crash, cut in another way. So the sink asks the table what is committed, passes
over what is in, and commits the rest under the number of its last event.
"""

# ruff: noqa: ARG002, D102 - what Bytewax calls is named and documented there
from collections.abc import Iterable

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, Source, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition

import lakestore as ls

Event = tuple[int, dict]
"""An event with its offset in the source, from 1."""


class TablePartition(StatelessSinkPartition):
    """Writes events of one source to a table."""

    def __init__(self, table: ls.Table, job: str) -> None:
        self._writer = table.writer(job=job)
        self._done = self._writer.recover() or 0

    def write_batch(self, items: list[Event]) -> None:
        new = [(offset, row) for offset, row in items if offset > self._done]
        if new:
            self._writer.write([row for _, row in new])
            self._done = new[-1][0]
            self._writer.commit(self._done)

    def close(self) -> None:
        self._writer.close()


class TableSink(DynamicSink):
    """Runs in one worker: a job has one writer at a time."""

    def __init__(self, table: ls.Table, job: str) -> None:
        self._table, self._job = table, job

    def build(self, step_id: str, worker_index: int, worker_count: int) -> TablePartition:
        return TablePartition(self._table, f"{self._job}-{worker_index}-of-{worker_count}")


class ChangesPartition(StatefulSourcePartition):
    """What is in the table by now, from where the dataflow stands; Bytewax keeps the position."""

    def __init__(self, table: ls.Table, position: dict | None) -> None:
        self._table = table
        self._position = position

    def next_batch(self) -> Iterable[dict]:
        start = "latest-full" if self._position is None else self._position
        rows: list[dict] = []
        with self._table.stream(start, until="latest") as stream:
            for change in stream:
                rows += change.batch.to_pylist()
                self._position = dict(change.position)
        if not rows:
            raise StopIteration
        return rows

    def snapshot(self) -> dict | None:
        return self._position


class ChangesSource(FixedPartitionedSource):
    """A table as a source of one partition. Ends at the latest snapshot; wait instead to follow it for ever."""

    def __init__(self, table: ls.Table) -> None:
        self._table = table

    def list_parts(self) -> list[str]:
        return ["table"]

    def build_part(self, step_id: str, for_part: str, resume_state: dict | None) -> ChangesPartition:
        return ChangesPartition(self._table, resume_state)


def ingest(source: Source, table: ls.Table, job: str) -> Dataflow:
    """Events of a source, each with its offset, into a table."""
    flow = Dataflow("ingest")
    op.output("table", op.input("events", flow, source), TableSink(table, job))
    return flow
