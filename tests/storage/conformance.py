"""What every store must do. Each backend inherits ``StoreConformance`` and says where a fresh folder is."""

import threading
from contextlib import closing
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakestore.errors import AlreadyExistsError, ErrorKind, NotFoundError
from lakestore.storage.parallel import map_ordered
from lakestore.storage.store import SMALL_FILE


class StoreConformance:
    """Subclasses define the fixture ``place``: (store, path of a folder that does not exist yet)."""

    race_rounds = 50

    def test_get_what_was_put(self, place):
        store, root = place
        for data in (b"", b"x", bytes(range(256)) * 1000):
            store.put(f"{root}/a/b/file", data)
            assert store.get(f"{root}/a/b/file") == data
            assert store.get_or_none(f"{root}/a/b/file") == data

    def test_get_what_is_not_there(self, place):
        store, root = place
        store.put(f"{root}/a/file", b"x")
        for path in (f"{root}/none", f"{root}/no/folder/file", f"{root}/a", f"{root}/a/file/below"):
            assert store.get_or_none(path) is None
            assert store.info(path) is None
            with pytest.raises(NotFoundError) as caught:
                store.get(path)
            assert caught.value.kind is ErrorKind.FILE_NOT_FOUND
            assert path in str(caught.value)

    def test_put_replaces(self, place):
        store, root = place
        store.put(f"{root}/file", b"long old content")
        store.put(f"{root}/file", b"new")
        assert store.get(f"{root}/file") == b"new"
        assert [file.name for file in store.list(root)] == ["file"]

    def test_put_if_absent(self, place):
        store, root = place
        store.put_if_absent(f"{root}/s/snapshot-1", b"first")
        with pytest.raises(AlreadyExistsError) as caught:
            store.put_if_absent(f"{root}/s/snapshot-1", b"second")
        assert caught.value.kind is ErrorKind.FILE_EXISTS
        assert store.get(f"{root}/s/snapshot-1") == b"first"
        assert [file.name for file in store.list(f"{root}/s")] == ["snapshot-1"]
        store.put(f"{root}/s/hint", b"1")
        with pytest.raises(AlreadyExistsError):
            store.put_if_absent(f"{root}/s/hint", b"2")

    def test_put_if_absent_of_nothing(self, place):
        store, root = place
        store.put_if_absent(f"{root}/empty", b"")
        with pytest.raises(AlreadyExistsError):
            store.put_if_absent(f"{root}/empty", b"x")
        assert store.get(f"{root}/empty") == b""

    def test_delete(self, place):
        store, root = place
        store.put(f"{root}/a/file", b"x")
        store.delete(f"{root}/a/file")
        assert store.get_or_none(f"{root}/a/file") is None
        store.delete(f"{root}/a/file")
        store.delete(f"{root}/never/was")
        store.put_if_absent(f"{root}/a/file", b"again")
        assert store.get(f"{root}/a/file") == b"again"

    def test_a_folder_goes_only_when_it_is_empty(self, place):
        store, root = place
        store.put(f"{root}/d/e/x", b"1")
        store.remove_empty_folder(f"{root}/d/e")
        store.remove_empty_folder(f"{root}/never")
        assert store.get(f"{root}/d/e/x") == b"1"
        store.delete(f"{root}/d/e/x")
        store.remove_empty_folder(f"{root}/d/e")
        store.remove_empty_folder(f"{root}/d")
        assert store.list_directories(root) == []

    def test_listing(self, place):
        store, root = place
        assert store.list(root) == []
        assert store.list_directories(root) == []
        assert list(store.list_recursive(root)) == []
        for path, data in {"b": b"1", "a": b"22", "d/x": b"333", "d/e/y": b"4", "dd/z": b"5"}.items():
            store.put(f"{root}/{path}", data)
        assert [(file.path, file.size) for file in store.list(root)] == [(f"{root}/a", 2), (f"{root}/b", 1)]
        assert store.list_directories(root) == ["d", "dd"]
        assert store.list_directories(f"{root}/d") == ["e"]
        assert {(file.path, file.size) for file in store.list_recursive(root)} == {
            (f"{root}/{path}", size) for path, size in {"b": 1, "a": 2, "d/x": 3, "d/e/y": 1, "dd/z": 1}.items()
        }
        assert {file.path for file in store.list_recursive(f"{root}/d")} == {f"{root}/d/x", f"{root}/d/e/y"}
        assert store.list(f"{root}/a") == []
        assert store.list_directories(f"{root}/a") == []

    def test_listing_sees_every_change_at_once(self, place):
        store, root = place
        for number in range(5):
            store.put(f"{root}/s/snapshot-{number}", b"x")
            assert len(store.list(f"{root}/s")) == number + 1
            assert store.info(f"{root}/s/snapshot-{number}") is not None
        store.delete(f"{root}/s/snapshot-0")
        assert [file.name for file in store.list(f"{root}/s")] == [f"snapshot-{n}" for n in range(1, 5)]
        assert store.info(f"{root}/s/snapshot-0") is None

    def test_info(self, place):
        store, root = place
        store.put(f"{root}/file", b"12345")
        info = store.info(f"{root}/file")
        assert (info.path, info.size, info.name) == (f"{root}/file", 5, "file")
        assert info.modified_ms is None or abs(info.modified_ms / 1000 - datetime.now(UTC).timestamp()) < 60

    @pytest.mark.parametrize(
        "name", ["p=a%2Fb", "p=été", "p=日本", "p=a b", "p=..", "p=q%3Fx&y%23z", "p=50%2525", "p=[x]*"]
    )
    def test_names_are_taken_as_they_are(self, place, name):
        store, root = place
        store.put(f"{root}/{name}/file", b"x")
        store.put(f"{root}/other/file", b"y")
        assert store.list_directories(root) == sorted([name, "other"])
        assert [file.path for file in store.list(f"{root}/{name}")] == [f"{root}/{name}/file"]
        assert [file.path for file in store.list_recursive(f"{root}/{name}")] == [f"{root}/{name}/file"]
        assert store.get(f"{root}/{name}/file") == b"x"
        store.delete(f"{root}/{name}/file")
        assert store.get_or_none(f"{root}/{name}/file") is None
        assert store.get(f"{root}/other/file") == b"y"

    @pytest.mark.parametrize("size", [0, 1000, SMALL_FILE + 12345])
    def test_output_then_input(self, place, size):
        store, root = place
        data = bytes(range(251)) * (size // 251) + b"e" * (size % 251)
        with store.open_output(f"{root}/d/bucket-0/file") as output:
            for start in range(0, size, 1_000_000):
                output.sink.write(data[start : start + 1_000_000])
                assert output.sink.tell() == min(size, start + 1_000_000)
        assert output.size == size
        assert store.info(output.path).size == size
        for known in (None, size):
            with closing(store.open_input(output.path, size=known)) as source:
                assert source.size() == size
                assert source.read() == data
                source.seek(size // 2)
                assert source.read(100) == data[size // 2 : size // 2 + 100]
                source.seek(0)
                assert source.read(10) == data[:10]

    def test_output_that_fails_leaves_nothing(self, place):
        store, root = place
        for size in (0, 100, SMALL_FILE + 1):
            with pytest.raises(KeyError), store.open_output(f"{root}/d/file") as output:
                output.sink.write(b"x" * size)
                raise KeyError(size)
            assert output.size == 0
            assert store.get_or_none(f"{root}/d/file") is None
            assert store.list(f"{root}/d") == []

    def test_output_can_be_ended_by_hand_and_twice(self, place):
        store, root = place
        output = store.open_output(f"{root}/kept")
        output.sink.write(b"abc")
        output.sink.close()
        output.finish()
        output.finish()
        output.discard()
        assert output.size == 3
        assert store.get(f"{root}/kept") == b"abc"
        dropped = store.open_output(f"{root}/dropped")
        dropped.sink.write(b"abc")
        dropped.discard()
        dropped.discard()
        dropped.finish()
        assert store.get_or_none(f"{root}/dropped") is None

    def test_open_input_of_nothing(self, place):
        store, root = place
        with pytest.raises(NotFoundError):
            store.open_input(f"{root}/none").close()

    def test_parquet_goes_both_ways(self, place):
        store, root = place
        table = pa.table({"id": range(1000), "v": [str(n) for n in range(1000)]})
        with store.open_output(f"{root}/t.parquet") as output:
            pq.write_table(table, output.sink, row_group_size=100)
        with closing(store.open_input(output.path, size=output.size)) as source, pq.ParquetFile(source) as file:
            assert file.read_row_group(3, columns=["v"]).equals(table.slice(300, 100).select(["v"]))
            assert file.read().equals(table)

    def test_of_many_threads_one_wins(self, place):
        store, root = place
        writers = 16
        ready = threading.Barrier(writers)

        def race(path, number):
            ready.wait()
            try:
                store.put_if_absent(path, _content(number))
            except AlreadyExistsError:
                # Whoever lost can read the winner at once, and whole.
                assert store.get(path) in {_content(other) for other in range(writers)}
                return None
            return number

        store.put_if_absent(f"{root}/warm", b"")
        for round_number in range(self.race_rounds):
            path = f"{root}/s/snapshot-{round_number}"
            outcomes = map_ordered(lambda n, path=path: race(path, n), range(writers), workers=writers)
            winners = [number for number in outcomes if number is not None]
            assert len(winners) == 1
            assert store.get(path) == _content(winners[0])
        assert len(store.list(f"{root}/s")) == self.race_rounds

    def test_readers_never_see_part_of_a_file(self, place):
        store, root = place
        contents = [bytes([65 + n]) * (300_000 + n) for n in range(2)]
        path = f"{root}/hint"
        store.put(path, contents[0])
        done = threading.Event()

        def write():
            for number in range(self.race_rounds):
                store.put(path, contents[number % 2])
            done.set()

        def read():
            seen = 0
            while not done.is_set() or seen == 0:
                assert store.get(path) in contents
                seen += 1
            return seen

        assert all(
            count != 0 for count in map_ordered(lambda task: task(), [lambda: write() or 1, read, read], workers=3)
        )


def _content(number):
    return f"writer {number} ".encode() * 5000
