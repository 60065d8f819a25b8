"""Consumer files: Paimon's layout, other writers' habits, and what is never mistaken for absence."""

import json

import pytest

from lakestore.errors import CorruptTableError, InvalidInputError
from lakestore.meta.consumers import READ_TRIES, Consumer, Consumers
from lakestore.storage.fsspec_store import open_store
from lakestore.storage.paths import TablePaths


class Naps:
    """A clock that counts naps, and lets something happen in one of them."""

    def __init__(self, happen=None):
        self.naps = 0
        self.happen = happen

    def sleep(self, seconds):
        self.naps += 1
        if self.happen is not None:
            self.happen()


@pytest.fixture
def place(tmp_path):
    store, root = open_store(str(tmp_path))
    return store, TablePaths(root)


def test_put_get_list_delete(place):
    consumers = Consumers(*place)
    assert consumers.list() == []
    assert consumers.get("a") is None
    consumers.put("b", 3)
    consumers.put("a b", 7, position={"rows": 2})
    assert consumers.get("b") == Consumer("b", 3)
    listed = consumers.list()
    assert [(one.id, one.next_snapshot, one.position) for one in listed] == [("a b", 7, {"rows": 2}), ("b", 3, None)]
    assert all(one.modified_ms > 0 for one in listed)
    consumers.put("b", 4)
    assert consumers.get("b").next_snapshot == 4
    consumers.delete("b")
    consumers.delete("b")
    assert [one.id for one in consumers.list()] == ["a b"]


def test_the_file_is_as_paimon_writes_it(place):
    store, paths = place
    Consumers(store, paths).put("c", 7)
    assert store.get(f"{paths.root}/consumer/consumer-c") == b'{\n  "nextSnapshot" : 7\n}'


def test_files_of_other_writers(place):
    store, paths = place
    store.put(paths.consumer("java"), b'{"nextSnapshot": 12, "more": true}')
    store.put(f"{paths.consumer_dir()}/.consumer-x.tmp", b"")
    assert [(one.id, one.next_snapshot) for one in Consumers(store, paths).list()] == [("java", 12)]


def test_a_branch_has_consumers_of_its_own(place):
    store, paths = place
    Consumers(store, paths.on_branch("dev")).put("c", 2)
    assert Consumers(store, paths).get("c") is None
    assert store.info(f"{paths.root}/branch/branch-dev/consumer/consumer-c") is not None


def test_a_half_written_file_is_read_again(place):
    store, paths = place
    store.put(paths.consumer("c"), b'{"nextSn')
    clock = Naps(lambda: store.put(paths.consumer("c"), b'{"nextSnapshot": 5}'))
    assert Consumers(store, paths, clock=clock).get("c") == Consumer("c", 5)
    assert clock.naps == 1


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"nextSnapshot": "7"}', b'{"nextSnapshot": -1}'])
def test_a_damaged_file_is_never_taken_for_none(place, data):
    store, paths = place
    store.put(paths.consumer("c"), data)
    clock = Naps()
    with pytest.raises(CorruptTableError, match="consumer-c"):
        Consumers(store, paths, clock=clock).list()
    assert clock.naps == READ_TRIES - 1


@pytest.mark.parametrize(("name", "following"), [("a/b", 1), ("..", 1), ("", 1), ("c", 0)])
def test_impossible_consumers_are_refused(place, name, following):
    with pytest.raises(InvalidInputError):
        Consumers(*place).put(name, following)


def test_own_position_is_json(place):
    store, paths = place
    Consumers(store, paths).put("c", 7, position={"version": 1, "rows": 3})
    told = json.loads(store.get(paths.consumer("c")))
    assert told == {"nextSnapshot": 7, "lakestore": {"version": 1, "rows": 3}}
