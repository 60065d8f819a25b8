"""Survivors of a merge against a dict, over random runs, kinds, orders and keys."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.merge import RunVersions
from lakestore.core.merge.deduplicate import survivors
from lakestore.core.sorting import normalise_together

keys = st.integers(0, 12)
kinds = st.sampled_from([0, 1, 2, 3])


@st.composite
def runs_of(draw):
    """Runs of (key, sequence field, sequence number, kind), ascending by key, each key once a run."""
    count = draw(st.integers(1, 4))
    return [
        [
            (key, draw(st.none() | st.integers(-1, 1)), draw(st.integers(0, 3)), draw(kinds))
            for key in sorted(draw(st.sets(keys)))
        ]
        for _ in range(count)
    ]


def versions(runs, *, ordered, with_kinds=True, descending=False):
    words = normalise_together([[pa.array([row[0] for row in run], pa.int64())] for run in runs])
    orders = [None] * len(runs)
    if ordered:
        fields = normalise_together(
            [[pa.array([row[1] for row in run], pa.int64())] for run in runs], descending=descending
        )
        numbers = normalise_together([[pa.array([row[2] for row in run], pa.int64())] for run in runs])
        orders = [one.then(two) for one, two in zip(fields, numbers, strict=True)]
    return [
        RunVersions(
            keys=word,
            order=order,
            kinds=np.array([row[3] for row in run], np.int8) if with_kinds else None,
        )
        for run, word, order in zip(runs, words, orders, strict=True)
    ]


def first(row):
    return row[0]


def chosen(runs, masks):
    return [(run, at) for run, mask in enumerate(masks) for at in np.flatnonzero(mask).tolist() if runs[run][at]]


@given(runs_of(), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_later_run_wins(runs, with_kinds, keep):
    model = {}
    for number, run in enumerate(runs):
        for at, (key, _, _, kind) in enumerate(run):
            model[key] = (number, at, kind if with_kinds else 0)
    masks = survivors(versions(runs, ordered=False, with_kinds=with_kinds), keep_retracts=keep)
    wanted = sorted((run, at) for run, at, kind in model.values() if keep or kind in (0, 2))
    assert sorted(chosen(runs, masks)) == wanted
    assert [len(mask) for mask in masks] == [len(run) for run in runs]


@given(runs_of(), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_order_settles_the_winner(runs, descending, keep, ignore):
    model = {}
    for number, run in enumerate(runs):
        for at, (key, field, sequence, kind) in enumerate(run):
            add = kind in (0, 2)
            by_field = (0, 0) if field is None else (1, -field if descending else field)
            rank = (add if ignore else 0, by_field, sequence, add, number)
            if key not in model or model[key][0] < rank:
                model[key] = (rank, number, at, add)
    masks = survivors(versions(runs, ordered=True, descending=descending), keep_retracts=keep, ignore_retracts=ignore)
    wanted = sorted((run, at) for _, run, at, add in model.values() if keep or add)
    assert sorted(chosen(runs, masks)) == wanted


@given(runs_of())
@settings(deadline=None)
def test_merging_early_changes_nothing(runs):
    """merge(merge(a) + b) == merge(a + b): what compaction rests on."""
    whole = survivors(versions(runs, ordered=False), keep_retracts=True)
    wanted = sorted((runs[run][at] for run, at in chosen(runs, whole)), key=first)
    early = survivors(versions(runs[:2], ordered=False), keep_retracts=True)
    merged = sorted((runs[run][at] for run, at in chosen(runs, early)), key=first)
    rest = [merged, *runs[2:]]
    late = survivors(versions(rest, ordered=False), keep_retracts=True)
    assert sorted((rest[run][at] for run, at in chosen(rest, late)), key=first) == wanted
