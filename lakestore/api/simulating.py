"""What compaction options would cost: table options in, a simulated stream of commits out."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from lakestore.core.compact_simulator import Simulation, Workload, simulate
from lakestore.core.options import check_values, parse_options
from lakestore.model.arrow import assign_ids
from lakestore.model.schema import TableSchema
from lakestore.model.types import parse_type_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One stream under one set of options.

    Attributes:
        options: The options.
        result: What the stream came to.
    """

    options: Mapping[str, str]
    result: Simulation

    @property
    def label(self) -> str:
        """The options as words."""
        return ", ".join(f"{key}={value}" for key, value in self.options.items()) or "defaults"

    def to_dict(self, *, steps: bool) -> dict[str, object]:
        """For JSON.

        Args:
            steps: With every commit.
        """
        result = self.result
        found: dict[str, object] = {
            "options": dict(self.options),
            "write_amplification": result.write_amplification,
            "read_amplification": result.read_amplification,
            "space_amplification": result.space_amplification,
            "worst_commit": result.worst_commit,
            "runs_max": result.runs_max,
            "compactions": result.compactions,
            "bytes_in": result.flushed,
            "bytes_written": result.written,
        }
        return {**found, "steps": [dataclasses.asdict(step) for step in result.steps]} if steps else found


def simulate_compaction(workload: Workload, options: Mapping[str, str]) -> Simulated:
    """Run a stream of commits to one bucket through the compaction policy, without any I/O.

    Args:
        workload: The commits.
        options: Paimon table options.

    Raises:
        InvalidInputError: An option has a value that it does not take, or looks misspelled.
    """
    check_values(options)
    key = assign_ids([("id", parse_type_text("BIGINT NOT NULL"), None)])
    schema = TableSchema(id=0, fields=key, primary_keys=("id",), options={"bucket": "1", **options})
    parsed = parse_options(schema.options, schema=schema)
    result = simulate(workload, parsed.compact, looks_up=parsed.looks_up)
    return Simulated(options=dict(options), result=result)
