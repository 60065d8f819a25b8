"""Conflicts against a slow oracle: apply the changes to a dictionary, then look at every pair of files."""

from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.changes import Changes
from lakestore.core.conflict import find_conflict, rank_of
from lakestore.core.fold import scan_merge
from lakestore.errors import CorruptTableError
from lakestore.format.binary_row import decode_row
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.snapshot import CommitKind
from tests.commits import INT, a_file, a_partition

PARTITIONS = [a_partition(1), a_partition(None)]


@st.composite
def entries(draw, kind):
    """A file of few possible identities, so that they meet."""
    low = draw(st.integers(0, 6))
    level = draw(st.integers(0, 2))
    file = a_file(draw(st.sampled_from("abcd")), level=level, keys=(low, draw(st.integers(low, 6))))
    return ManifestEntry(
        kind=kind,
        partition=draw(st.sampled_from(PARTITIONS)),
        bucket=draw(st.integers(0, 1)),
        total_buckets=draw(st.sampled_from([2, 2, 2, 3])),
        file=file,
    )


def sound(live):
    """Whether a set of files is one that a table may hold."""
    for entry in live:
        for other in live:
            if entry is other or entry.partition != other.partition:
                continue
            if entry.total_buckets != other.total_buckets:
                return False
            same_run = (entry.bucket, entry.file.level) == (other.bucket, other.file.level)
            if same_run and entry.file.level > 0 and keys(entry) & keys(other):
                return False
    return True


def keys(entry):
    (low,), (high,) = (decode_row(key, [INT]) for key in (entry.file.min_key, entry.file.max_key))
    return set(range(low, high + 1))


def applied(live, deletes, adds):
    """The files after the changes, None if they cannot be applied."""
    left = {entry.id: entry for entry in live}
    for entry in deletes:
        if left.pop(entry.id, None) is None:
            return None
    for entry in adds:
        if entry.id in left:
            return None
        left[entry.id] = entry
    return list(left.values())


@given(
    live=st.lists(entries(EntryKind.ADD), max_size=4, unique_by=lambda entry: entry.id).filter(sound),
    deletes=st.lists(entries(EntryKind.DELETE), max_size=2),
    adds=st.lists(entries(EntryKind.ADD), max_size=2),
    data=st.data(),
)
def test_changes_fit_exactly_when_the_result_is_sound(live, deletes, adds, data):
    if live and data.draw(st.booleans()):
        there = data.draw(st.sampled_from(live))
        deletes = [*deletes, ManifestEntry(**{**_fields(there), "kind": EntryKind.DELETE})]
    changes = Changes(kind=CommitKind.COMPACT, delta=(*deletes, *adds))
    found = find_conflict(live, changes, key_rank=lambda key: rank_of(decode_row(key, [INT])))
    after = applied(live, deletes, adds)
    assert (found is None) == (after is not None and sound(after))
    if found is None and not ({e.id for e in adds} & {e.id for e in deletes}):
        assert {e.id for e in scan_merge([*live, *changes.delta])} == {e.id for e in after}


@given(st.lists(entries(EntryKind.ADD), max_size=6))
def test_replacing_everything_leaves_only_what_is_new(files):
    try:
        live = scan_merge(files)
    except CorruptTableError:
        return
    changes = Changes(kind=CommitKind.OVERWRITE).replacing(live)
    assert applied(live, changes.deletes, changes.adds) == []


def _fields(entry):
    return {name: getattr(entry, name) for name in type(entry).__slots__}
