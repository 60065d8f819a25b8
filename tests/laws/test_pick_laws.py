"""Picks over random trees: what the levels promise stays true, and a plain transcription of the rules agrees."""

from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.levels import Levels
from lakestore.core.pick import PickState, full, pick
from lakestore.model.options import CompactOptions, OffPeak
from tests.trees import tree, tree_file

SIZES = st.one_of(st.integers(0, 20), st.integers(0, 10_000))
TOP = 6


@st.composite
def trees(draw):
    """Up to nine fresh files, and any levels above."""
    fresh = [(0, size) for size in draw(st.lists(SIZES, max_size=9))]
    above = [(level, draw(SIZES)) for level in range(1, TOP) if draw(st.booleans())]
    return tree(*fresh, *above, num_levels=TOP)


@st.composite
def triggers(draw):
    """Options, with every rule on now and then."""
    maybe_size = st.one_of(st.none(), SIZES)
    return CompactOptions(
        trigger=draw(st.integers(1, 7)),
        max_amplification=draw(st.sampled_from([25, 200, 10**9])),
        size_ratio=draw(st.integers(0, 30)),
        off_peak=draw(st.one_of(st.none(), st.just(OffPeak(start_hour=20, end_hour=4, ratio=50)))),
        optimization_interval_ms=draw(st.one_of(st.none(), st.just(1000))),
        total_size_threshold=draw(maybe_size),
        incremental_size_threshold=draw(maybe_size),
        force_up_level0=draw(st.booleans()),
    )


STATES = st.builds(PickState, now_ms=st.integers(0, 10**8), last_full_ms=st.one_of(st.none(), st.integers(0, 10**8)))


def transcribed(runs, options, *, hour, since_full):
    """The published rules over ``(level, size)`` pairs: how many runs, and to which level; None for none."""
    count, top = len(runs), TOP - 1
    ratio = options.size_ratio
    if options.off_peak is not None and (hour >= 20 or hour < 4):
        ratio += options.off_peak.ratio

    def walk(start, forced):
        taken = [size for _, size in runs[:start]]
        while start < count:
            level, size = runs[start]
            fits = not sum(taken) * (100.0 + ratio) / 100.0 < size
            if not fits and not ((forced or start > 1) and level <= 1):
                break
            taken.append(size)
            start += 1
            forced = True
        return start if forced or start > 1 else 0

    def target(start):
        level = top if start == count else max(0, runs[start][0] - 1)
        while level == 0 and start < count:
            level = runs[start][0]
            start += 1
        return (start, top) if start == count else (start, level)

    if count > 1:
        if options.optimization_interval_ms is not None and (since_full is None or since_full > 1000):
            return count, top
        total = sum(size for _, size in runs)
        if options.total_size_threshold is not None and total < options.total_size_threshold:
            return count, top
        below = sum(size for level, size in runs if level != top)
        if options.incremental_size_threshold is not None and below > options.incremental_size_threshold:
            return count, top
    if count >= options.trigger and count:
        newer = sum(size for _, size in runs[:-1])
        if 100 * newer > options.max_amplification * runs[-1][1]:
            return count, top
        taken = walk(1, forced=False)
        if taken > 1:
            return target(taken)
    if count > options.trigger:
        return target(walk(count - options.trigger + 1, forced=True))
    fresh = sum(level == 0 for level, _ in runs)
    if fresh and options.force_up_level0:
        return target(walk(fresh, forced=True))
    return None


@given(trees(), triggers(), STATES)
def test_the_pick_agrees_with_a_transcription(levels, options, state):
    last = [run.files[0].creation_time for run in levels.runs if run.level == TOP - 1]
    last += [state.last_full_ms] if state.last_full_ms is not None else []
    expected = transcribed(
        [(run.level, run.size) for run in levels.runs],
        options,
        hour=state.now_ms // 1000 // 60 // 60 % 24,
        since_full=state.now_ms - max(last) if last else None,
    )
    unit = pick(levels, options, state)
    assert (None if unit is None else (len(unit.files), unit.output_level)) == expected


@given(trees(), triggers(), STATES, st.booleans())
def test_a_pick_keeps_the_order_of_ages(levels, options, state, looks_up):
    unit = pick(levels, options, state, looks_up=looks_up)
    if unit is None:
        return
    assert unit.files == levels.files[: len(unit.files)], "a prefix of the runs"
    stays = levels.files[len(unit.files) :]
    assert all(file.level > 0 for file in stays), "all of level 0 or nothing"
    assert 0 < unit.output_level < levels.num_levels
    assert unit.output_level >= max(file.level for file in unit.files)
    assert all(unit.output_level < file.level for file in stays), "no run is met at the target"


@given(trees(), triggers(), STATES, st.booleans())
def test_picking_until_nothing_is_left_ends_under_the_trigger(levels, options, state, looks_up):
    """Also says that what is picked always does something."""
    for _ in range(len(levels.runs) + 1):
        unit = pick(levels, options, state, looks_up=looks_up)
        if unit is None:
            break
        merged = tree_file(unit.output_level, unit.size, name="merged", creation_time=state.now_ms)
        levels = levels.after(unit.files, [merged])
    assert pick(levels, options, state, looks_up=looks_up) is None
    assert len(levels.runs) <= max(options.trigger, 1)
    assert not (levels.level0 and (looks_up or options.force_up_level0))


@given(trees())
def test_a_full_compaction_is_done_once(levels):
    unit = full(levels)
    if unit is None:
        assert {run.level for run in levels.runs} <= {TOP - 1}
        return
    assert unit.files == levels.files
    done = Levels.of([tree_file(unit.output_level, unit.size, name="merged")], num_levels=TOP)
    assert full(done) is None
