"""Schemas: reading, creating, following, and racing for a number."""

from dataclasses import replace

import pytest

from lakestore.errors import (
    AlreadyExistsError,
    CommitUnknownError,
    ConflictError,
    CorruptTableError,
    ErrorKind,
    NotFoundError,
    StorageError,
)
from lakestore.format.schema_file import schema_to_json
from lakestore.meta.claim import PUT_TRIES
from lakestore.meta.schemas import SCHEMA_TRIES, Schemas
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field, parse_type
from lakestore.storage.paths import TablePaths
from lakestore.testing.faulty import FaultKind, FaultyStore, NthCall
from lakestore.testing.recording import RecordingStore
from tests.entries import TABLES, memory_store

PATHS = TablePaths("/db.db/t")
FIRST = TableSchema(
    id=0, fields=(Field(id=0, name="id", type=parse_type("INT")),), options={"bucket": "1"}, time_millis=7
)


def option(key, value):
    """A change that sets one option."""
    return lambda schema: replace(schema, options={**schema.options, key: value})


@pytest.fixture
def store():
    return memory_store()


def test_there_is_no_schema_until_there_is(store):
    schemas = Schemas(store, PATHS)
    assert schemas.latest() is None
    assert schemas.all() == []
    with pytest.raises(NotFoundError, match=r"schema 3 not found in .*/t/schema; there are: none"):
        schemas.get(3)
    with pytest.raises(NotFoundError) as caught:
        schemas.commit_next(option("a", "b"))
    assert caught.value.kind is ErrorKind.TABLE_NOT_FOUND
    assert schemas.create(FIRST) == FIRST
    assert Schemas(store, PATHS).latest() == FIRST


def test_a_table_is_made_once(store):
    Schemas(store, PATHS).create(replace(FIRST, id=9))
    assert Schemas(store, PATHS).get(0) == FIRST
    with pytest.raises(AlreadyExistsError, match=r"/db\.db/t exists already") as caught:
        Schemas(store, PATHS).create(replace(FIRST, time_millis=8))
    assert caught.value.kind is ErrorKind.TABLE_EXISTS


def test_schemas_follow_one_another(store):
    schemas = Schemas(store, PATHS)
    schemas.create(FIRST)
    second = schemas.commit_next(option("a", "1"))
    third = schemas.commit_next(option("b", "2"))
    assert (second.id, third.id) == (1, 2)
    assert third.options == {"bucket": "1", "a": "1", "b": "2"}
    fresh = Schemas(store, PATHS)
    assert fresh.all() == [FIRST, second, third]
    assert fresh.latest() == third
    assert schemas.commit_next(lambda schema: schema) == third
    assert fresh.ids() == [0, 1, 2]


def test_temporary_and_foreign_names_are_passed_over(store):
    schemas = Schemas(store, PATHS)
    schemas.create(FIRST)
    for name in (".schema-5.6f.tmp", "schema-7c1.tmp", "schema--1", "schema-", "schema-01", "other-9", "schema-²"):
        store.put(f"{PATHS.schema_dir()}/{name}", b"x")
    assert schemas.ids() == [0]
    with pytest.raises(NotFoundError, match="there are: 0") as caught:
        schemas.get(5)
    assert caught.value.kind is ErrorKind.SCHEMA_NOT_FOUND


def test_a_schema_is_read_once():
    store = RecordingStore(memory_store())
    Schemas(store, PATHS).create(FIRST)
    store.forget()
    schemas = Schemas(store, PATHS)
    for _ in range(3):
        assert schemas.get(0) == FIRST
    assert store.counts() == {"get": 1}
    store.forget()
    assert schemas.latest() == FIRST
    assert store.counts() == {"list": 1}


def test_a_file_of_another_schema_is_damage(store):
    store.put(PATHS.schema(4), schema_to_json(FIRST))
    with pytest.raises(CorruptTableError, match=r"schema-4: field 'id': expected 4, found 0"):
        Schemas(store, PATHS).get(4)


def test_a_change_that_loses_is_applied_on_top_of_the_winner(store):
    schemas = Schemas(store, PATHS)
    schemas.create(FIRST)
    calls = []

    def change(schema):
        calls.append(schema.id)
        if len(calls) < 3:
            Schemas(store, PATHS).commit_next(option(f"theirs-{schema.id}", "x"))
        return option("mine", "y")(schema)

    assert schemas.commit_next(change).id == 3
    assert calls == [0, 1, 2]
    assert Schemas(store, PATHS).latest().options == {"bucket": "1", "theirs-0": "x", "theirs-1": "x", "mine": "y"}


def test_who_loses_every_time_gives_up_by_name(store):
    schemas = Schemas(store, PATHS)
    schemas.create(FIRST)

    def change(schema):
        Schemas(store, PATHS).commit_next(option(f"theirs-{schema.id}", "x"))
        return option("mine", "y")(schema)

    with pytest.raises(ConflictError, match=f"{SCHEMA_TRIES} times") as caught:
        schemas.commit_next(change)
    assert caught.value.kind is ErrorKind.RETRIES_EXHAUSTED
    assert "mine" not in Schemas(store, PATHS).latest().options


@pytest.mark.parametrize("kind", [FaultKind.BEFORE, FaultKind.AFTER])
def test_every_single_failure_leaves_no_change_or_one(kind):
    """A lost answer of the put is looked up; any failure elsewhere happens before the put."""
    for call in range(1, 20):
        inner = memory_store()
        Schemas(inner, PATHS).create(FIRST)
        plan = NthCall(call, kind)
        schemas = Schemas(FaultyStore(inner, plan), PATHS)
        try:
            schemas.commit_next(option("a", "1"))
            done = True
        except CommitUnknownError:
            done = None
        except StorageError:
            done = False
        found = Schemas(inner, PATHS).ids()
        assert found == {True: [0, 1], False: [0]}.get(done, found)
        if not plan.fired:
            assert call > 3
            return
    pytest.fail("never ran through")


def test_a_lost_answer_is_found_to_be_ours():
    inner = memory_store()
    schemas = Schemas(FaultyStore(inner, NthCall(1, FaultKind.AFTER, operations={"put_if_absent"})), PATHS)
    assert schemas.create(FIRST) == FIRST
    assert Schemas(inner, PATHS).ids() == [0]


class Silent(RecordingStore):
    """Never says whether a put went through, and writes nothing."""

    def put_if_absent(self, path, data):
        self.log.append(("put_if_absent", path))
        raise StorageError("no answer", transient=True)


def test_when_nobody_can_know_the_error_says_so():
    store = Silent(memory_store())
    with pytest.raises(CommitUnknownError, match=r"schema-0: .*look whether"):
        Schemas(store, PATHS).create(FIRST)
    assert store.counts()["put_if_absent"] == PUT_TRIES


@pytest.mark.parametrize("path", sorted(TABLES.glob("*/golden.db/t")), ids=lambda path: path.parts[-3])
def test_golden_schemas_of_all_tables_and_branches(path):
    store = memory_store(path)
    schemas = Schemas(store, PATHS).all()
    assert [schema.id for schema in schemas] == list(range(len(schemas)))
    for branch in (path / "branch").glob("*"):
        name = branch.name.removeprefix("branch-")
        assert Schemas(store, PATHS.on_branch(name)).latest() is not None
