"""First-row survivors, and versions that are merged into newer ones already."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.merge import RunVersions
from lakestore.core.merge.first_row import first_survivors
from lakestore.core.merge.groups import Groups
from lakestore.core.merge.lookup import drop_superseded
from lakestore.core.sorting import normalise_together
from lakestore.errors import InvalidInputError


@st.composite
def runs_of(draw, kinds):
    """Runs of (key, sequence number, kind), ascending by key, each key once a run."""
    return [
        [(key, draw(st.integers(0, 3)), draw(kinds)) for key in sorted(draw(st.sets(st.integers(0, 8))))]
        for _ in range(draw(st.integers(1, 4)))
    ]


def versions(runs, *, ordered):
    words = normalise_together([[pa.array([row[0] for row in run], pa.int64())] for run in runs])
    numbers = normalise_together([[pa.array([row[1] for row in run], pa.int64())] for run in runs])
    return [
        RunVersions(keys=word, order=number if ordered else None, kinds=np.array([row[2] for row in run], np.int8))
        for run, word, number in zip(runs, words, numbers, strict=True)
    ]


@given(runs_of(st.sampled_from([0, 2, 0, 3, 1])), st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_first_add_of_a_key_survives(runs, ordered):
    model = {}
    for number, run in enumerate(runs):
        for at, (key, sequence, kind) in enumerate(run):
            rank = (sequence if ordered else 0, number)
            if kind in (0, 2) and (key not in model or rank < model[key][0]):
                model[key] = (rank, number, at)
    masks = first_survivors(versions(runs, ordered=ordered), ignore_retracts=True)
    chosen = [(run, at) for run, mask in enumerate(masks) for at in np.flatnonzero(mask).tolist()]
    assert sorted(chosen) == sorted((number, at) for _, number, at in model.values())


def test_retracts_are_refused_where_a_key_has_other_versions():
    runs = [[(1, 0, 0), (2, 0, 3)], [(1, 1, 3)]]
    with pytest.raises(InvalidInputError, match="ignore-delete"):
        first_survivors(versions(runs, ordered=True))
    masks = first_survivors(versions([[(1, 0, 0), (2, 0, 3)]], ordered=True))
    assert masks[0].tolist() == [True, False]


@given(st.lists(st.lists(st.sampled_from([-1, 0, 0, 1, 2, 3]), min_size=1, max_size=5), max_size=5))
@settings(max_examples=200, deadline=None)
def test_only_the_newest_record_above_level_0_counts(levels):
    sizes = np.array([len(own) for own in levels], np.int64)
    groups = Groups(np.cumsum(sizes) - sizes, int(sizes.sum()))
    left = drop_superseded(np.array([level for own in levels for level in own], np.int8), groups)
    wanted, alone, starts = [], [], []
    for own in levels:
        above = [level for level in own if level > 0]
        best = own.index(min(above)) if above else None
        kept = [level <= 0 or at == best for at, level in enumerate(own)]
        starts.append(sum(wanted))
        wanted += kept
        alone.append(sum(kept) == 1 < len(own))
    assert left.rows.tolist() == wanted
    assert left.alone.tolist() == alone
    assert left.groups.starts.tolist() == starts
    assert left.groups.rows == sum(wanted)
