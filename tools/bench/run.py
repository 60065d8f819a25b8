"""Measure LakeStore against the raw Parquet floor of the same bytes, and against its peers.

    python tools/bench/run.py                                # every workload, LakeStore and the floor
    python tools/bench/run.py scan-int load --peers          # two of them, pypaimon and pypaimon-rust too
    python tools/bench/run.py --rows 200000 --json out.json

Workloads: load, upsert, scan-int, scan-string, scan-pair, scan-pair-text, project, filter-key, filter-value,
partial-update, aggregation.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.bench import peers, report
from tools.bench.engines import ENGINE_WORKLOADS
from tools.bench.workloads import WORKLOADS as PLAIN_WORKLOADS
from tools.bench.workloads import Scale

WORKLOADS = {**PLAIN_WORKLOADS, **ENGINE_WORKLOADS}


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", nargs="*", help="all by default")
    parser.add_argument("--rows", type=int, default=Scale.rows, help="rows of a load; the rest hangs on it")
    parser.add_argument("--repeats", type=int, default=Scale.repeats, help="rounds of each timing")
    parser.add_argument("--peers", action="store_true", help="pypaimon and pypaimon-rust too")
    parser.add_argument("--peer", action="append", choices=peers.ENGINES, default=[], help="only that one")
    parser.add_argument("--peer-repeats", type=int, help="rounds of theirs; as many as ours, one of pypaimon's")
    parser.add_argument("--json", type=Path, help="write the figures to that file too")
    parser.add_argument("--folder", type=Path, help="make the tables there; the system's temporary folder by default")
    options = parser.parse_args()
    unknown = set(options.workload) - set(WORKLOADS)
    if unknown:
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    scale = Scale(
        rows=options.rows,
        repeats=options.repeats,
        peers=options.peer or (peers.ENGINES if options.peers else ()),
        peer_repeats=options.peer_repeats,
    )
    figures = []
    for name in options.workload or WORKLOADS:
        with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
            print(f"{name} …", file=sys.stderr, flush=True)
            figures += WORKLOADS[name](Path(scratch), scale)
    report.show(figures)
    if options.json:
        report.write_json(figures, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
