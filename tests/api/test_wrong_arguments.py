"""What a newcomer sees who passes wrong things: our own error, in words, and nothing written.

One walk over every public method calls each argument with values of wrong types; the lists below it hold what the
walk cannot know: what the messages say, and arguments of the right type that make no sense.
"""

import datetime as dt
import inspect

import numpy as np
import pyarrow as pa
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import lakestore as ls
from lakestore.api.consumers import ConsumerRefs
from lakestore.api.job import JobWriter
from lakestore.api.refs import SnapshotRefs
from lakestore.api.refs_branches import BranchRefs
from lakestore.api.refs_tags import TagRefs
from lakestore.api.stream import ChangeStream
from lakestore.api.table import TableAt
from lakestore.api.writer import BatchWriter
from lakestore.model.changes import SchemaChange
from lakestore.model.predicate import Column, Predicate

ROOT = "memory://wrong"
ROWS = [{"id": 1, "day": "a", "qty": 3}, {"id": 2, "day": "b", "qty": 5}]
STRANGE = object()
WRONG = (5, -1, 10**30, True, 1.5, float("nan"), "x", "", b"x", None, ["x"], [5], ("x", 5), {"x": 1}, STRANGE)
KINDS = {"keyed": ["id", "day"], "plain": []}
RIGHT = {
    "name": "db.keyed",
    "new_name": "other",
    "tables": "db.*",
    "schema": {"id": "INT"},
    "where": "day = 'a'",
    "values": {"qty": 7},
    "data": ROWS,
    "rows": "id = 1",
    "consumer_id": "reader",
    "next_snapshot": 1,
    "snapshot_id": 1,
    "timestamp": 10**12,
    "identifier": 1,
    "idle_seconds": 60,
    "column": "qty",
    "type": "BIGINT",
    "comment": "words",
    "default": "1",
    "key": "write-only",
    "value": True,
    "low": 1,
    "high": 2,
    "prefix": "a",
    "pattern": "a%",
    "snapshot": 1,
}
"""Arguments that are right, by name, for all but the one that is wrong."""
NAMED = {TagRefs: {"name": "v1"}, BranchRefs: {"name": "dev"}, ls.Table: {"name": "files"}, TableAt: {"name": "files"}}
FREE = {("to_pandas", "arguments")}  # handed on to pyarrow


@pytest.fixture(scope="module")
def files():
    """Two tables of two commits, with a tag, a branch and a consumer; the walk puts them back after each call."""
    patch = pytest.MonkeyPatch()
    patch.setenv("LAKESTORE_BACKGROUND", "off")
    store = MemoryFileSystem.store
    before = dict(store)
    lake = ls.connect(ROOT)
    for name, key in KINDS.items():
        table = lake.create_table(
            f"db.{name}",
            schema={"id": "INT", "day": "STRING", "qty": "INT"},
            primary_key=key,
            partition_by=["day"],
            options={"bucket": 1} if key else {},
        )
        table.insert(ROWS)
        table.insert(ROWS)
        table.tags.create("v1", snapshot=1)
        table.branches.create("dev", tag="v1")
        table.consumers.reset("reader", 2)
    yield dict(store)
    store.clear()
    store.update(before)
    patch.undo()


@pytest.fixture
def put_back(files):
    def restore():
        MemoryFileSystem.store.clear()
        MemoryFileSystem.store.update(files)

    restore()
    return restore


def table_of(kind):
    return ls.open_table(f"{ROOT}/db.db/{kind}")


OWNERS = {
    ls.Lake: lambda kind: ls.connect(ROOT),
    ls.Table: table_of,
    TableAt: lambda kind: table_of(kind).at(snapshot=1),
    ls.Scan: lambda kind: table_of(kind).scan(),
    ls.Changes: lambda kind: table_of(kind).changes((1, 2)),
    ChangeStream: lambda kind: table_of(kind).stream(until="latest"),
    BatchWriter: lambda kind: table_of(kind).writer(),
    JobWriter: lambda kind: table_of(kind).writer(job="load"),
    TagRefs: lambda kind: table_of(kind).tags,
    BranchRefs: lambda kind: table_of(kind).branches,
    ConsumerRefs: lambda kind: table_of(kind).consumers,
    SnapshotRefs: lambda kind: table_of(kind).snapshots,
    Column: lambda kind: ls.col("qty"),
}
FUNCTIONS = [name for name in ls.__all__ if inspect.isfunction(getattr(ls, name))]


def methods_of(owner):
    names = [name for name in dir(owner) if not name.startswith("_")]
    return [name for name in names if inspect.isfunction(getattr(owner, name))]


CALLS = [(None, name) for name in FUNCTIONS] + [(owner, name) for owner in OWNERS for name in methods_of(owner)]


def arguments_of(function):
    """The names of its parameters, and for each whether it must be given."""
    parameters = list(inspect.signature(function).parameters.values())
    return {
        each.name: each for each in parameters if each.name != "self" and (function.__name__, each.name) not in FREE
    }


def called(function, parameters, given):
    """Call it with arguments by name, and use what it gives; a writer or stream that it opens is closed again."""
    several = [name for name, each in parameters.items() if each.kind is each.VAR_POSITIONAL]
    words = {name: value for name, value in given.items() if name not in several}
    found = function(*(given[name] for name in several if name in given), **words)
    if isinstance(found, ls.Scan | ls.Changes):
        found.to_arrow()
    elif isinstance(found, Predicate):
        table_of("keyed").scan(found).to_arrow()
    elif isinstance(found, SchemaChange):
        table_of("plain").alter(found)
    close = getattr(found, "close", getattr(found, "abort", None))
    if callable(close):
        close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("owner", "name"), CALLS, ids=lambda each: getattr(each, "__name__", str(each)))
def test_every_argument_of_a_wrong_type_is_our_own_error(owner, name, kind, put_back):
    plain = getattr(ls, name) if owner is None else getattr(owner, name)
    parameters = arguments_of(plain)
    right = {"warehouse": ROOT, "path": f"{ROOT}/db.db/{kind}", **RIGHT, **NAMED.get(owner, {})}
    must = {each: right[each] for each, what in parameters.items() if what.default is what.empty and each in right}
    wrongs = [(each, value) for each in parameters for value in WRONG]
    for each, value in wrongs:
        put_back()
        made = None if owner is None else OWNERS[owner](kind)
        before = dict(MemoryFileSystem.store)
        said = f"{name}({each}={value!r})"
        try:
            called(plain if owner is None else getattr(made, name), parameters, {**must, each: value})
            assert value is not STRANGE, f"{said} was taken"
        except ls.LakestoreError as error:
            assert not isinstance(error, ls.InvariantError | ls.CorruptTableError), f"{said}: {error!r}"
            if owner is not JobWriter:  # A job takes its name when it commits or recovers.
                assert MemoryFileSystem.store == before, said
        except Exception as error:
            pytest.fail(f"{said}: {error!r}")
        finally:
            if isinstance(made, BatchWriter):
                made.abort()
            elif isinstance(made, JobWriter | ChangeStream):
                made.close()


def test_the_walk_knows_all_that_is_needed_for_a_call(files):
    for owner, name in CALLS:
        parameters = arguments_of(getattr(ls, name) if owner is None else getattr(owner, name))
        needed = {each for each, what in parameters.items() if what.default is what.empty and what.kind < 4}
        several = {each for each, what in parameters.items() if what.kind is what.VAR_POSITIONAL}
        assert needed - several - set(RIGHT) <= {"warehouse", "path"}, name


def keyed():
    return table_of("keyed")


def plain():
    return table_of("plain")


REFUSED = [
    (lambda: ls.connect(ROOT).create_table(5), ["create_table(name=5)", "text", "int"]),
    (lambda: ls.connect(ROOT).table(None), ["table(name=None)", "text"]),
    (lambda: ls.open_table(None), ["open_table(path=None)", "a path"]),
    (lambda: ls.connect(5), ["connect(warehouse=5)", "a path"]),
    (lambda: keyed().scan(limit="5"), ["scan(limit='5')", "a whole number", "str"]),
    (lambda: keyed().scan(limit=True), ["scan(limit=True)", "a whole number", "bool"]),
    (lambda: keyed().scan(select=[5]), ["scan(select=[5])", "texts", "5 in it"]),
    (lambda: keyed().scan(select="id"), ["e.g. ['id']"]),
    (lambda: keyed().scan(where=5), ["ls.col('qty') > 3"]),
    (lambda: keyed().scan((ls.col("qty") == 1) & "id = 1"), ["& or |", "'id = 1'"]),
    (lambda: keyed().scan(ls.col("qty") > object()).to_arrow(), ["qty"]),
    (lambda: keyed().at(snapshot="x"), ["at(snapshot='x')", "a whole number"]),
    (lambda: keyed().tags.create(5), ["create(name=5)"]),
    (lambda: keyed().tags.create("v", time_retained=-dt.timedelta(days=1)), ["past"]),
    (lambda: keyed().writer(job=5), ["writer(job=5)"]),
    (lambda: keyed().stream(consumer=5), ["stream(consumer=5)"]),
    (lambda: keyed().stream(shard=5), ["stream(shard=5)", "2 values"]),
    (lambda: keyed().stream(shard=(0, "x")), ["whole numbers"]),
    (lambda: keyed().stream(poll=float("inf")), ["stream(poll=inf)", "finite"]),
    (lambda: keyed().stream(until=ls.Until(snapshot="x")), ["Until(snapshot='x')"]),
    (lambda: keyed().snapshots.expire(retain_max="x"), ["expire(retain_max='x')"]),
    (lambda: keyed().insert(ROWS, evolve="false"), ["evolve='false'", "a bool"]),
    (lambda: keyed().remove_orphans(older_than=-5), ["older_than=-5", "timedelta(days=1)", "1970"]),
    (lambda: keyed().remove_orphans(older_than=-dt.timedelta(hours=1)), ["older_than=", "timedelta(days=1)"]),
    (lambda: keyed().changes((-1, 2)), ["-1", "snapshot numbers", "tags"]),
    (lambda: plain().update("id = 1", 5), ["update(values=5)", "a mapping"]),
    (lambda: plain().update("id = 1", {}), ["no values", "{'qty': 0}"]),
    (lambda: plain().update("id = 1", {}, dry_run=True), ["no values"]),
    (lambda: plain().update("id = 1", {"day": "c"}, dry_run=True), ["'day'", "delete the rows"]),
    (lambda: keyed().update("id = 1", {"qty": 0}), ["primary key", "upsert()"]),
    (lambda: ls.set_option(5, 5), ["set_option(key=5)"]),
    (lambda: ls.set_option("bucket", None), ["set_option(value=None)", "a bool"]),
    (lambda: keyed().alter(ls.remove_option("zz")), ["'zz'", "not set", "bucket"]),
    (lambda: ls.connect(ROOT).create_table(".a", schema={"id": "INT"}), ["'.a'", "empty", "database.table"]),
    (lambda: ls.connect(ROOT).create_table("a.", schema={"id": "INT"}), ["'a.'", "empty"]),
    (lambda: ls.connect(ROOT).table(".keyed"), ["'.keyed'", "empty"]),
    (lambda: ls.connect(ROOT).create_table("t", schema={"id": "INT"}, options={"bucket": None}), ["None in it"]),
    (lambda: ls.connect(ROOT).create_table("t", schema={"id": int}), ["'id'", "'BIGINT'"]),
    (lambda: ls.connect(ROOT).create_table("t", schema={5: "INT"}), ["schema=", "5 in it"]),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_newcomers_do_is_refused_in_words(number, put_back):
    call, words = REFUSED[number]
    before = dict(MemoryFileSystem.store)
    with pytest.raises(ls.InvalidInputError) as caught:
        call()
    assert [word for word in words if word not in str(caught.value)] == [], caught.value
    assert MemoryFileSystem.store == before


TYPES = [
    ("INTT", ["'INTT'", "STRING", "BIGINT", "did you mean INT?"]),
    ("TEXT", ["did you mean STRING?"]),
    ("ARRAY<INT", ["'>' for every '<'", "ARRAY<INT>"]),
    ("ROW<a INT", ["'>' for every '<'", "ROW<city STRING"]),
    ("MAP", ["MAP<STRING, INT>"]),
    ("ARRAY<INT> x", ["NOT NULL", "ARRAY<INT>"]),
    ("MAP<STRING, ARRAY<INT>", ["brackets in pairs"]),
]


@pytest.mark.parametrize(("text", "words"), TYPES, ids=lambda each: str(each)[:20])
def test_a_type_that_is_none_is_told_with_its_column(text, words, put_back):
    for call in (
        lambda: ls.connect(ROOT).create_table("t", schema={"odd": text}),
        lambda: plain().alter(ls.add_column("odd", text)),
    ):
        with pytest.raises(ls.InvalidInputError) as caught:
            call()
        said = str(caught.value)
        assert [word for word in ["column 'odd'", *words] if word not in said] == [], said
        assert not any(word in said for word in ("VARIANT", "BLOB", "VECTOR", "GEO")), said


def test_a_plain_file_is_no_warehouse_and_no_table(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n")
    with pytest.raises(ls.InvalidInputError, match=r"rows\.csv is a file: expected the folder of a warehouse"):
        ls.connect(file)
    with pytest.raises(
        ls.InvalidInputError, match=r"rows\.csv is a file: expected the folder of a table.*lakestore write"
    ):
        ls.open_table(file)
    with pytest.raises(ls.NotFoundError, match="no table at"):
        ls.open_table(tmp_path / "nothing")


def test_what_is_not_there_is_told_with_what_is(put_back):
    lake = ls.connect(ROOT)
    with pytest.raises(ls.NotFoundError, match=r"'nope'.*databases are: db") as caught:
        lake.tables("nope")
    assert caught.value.kind == "database-not-found"
    with pytest.raises(ls.NotFoundError, match=r"'nope.t'.*databases are: db"):
        lake.table("nope.t")
    with pytest.raises(ls.NotFoundError, match=r"'db.t'.*keyed, plain"):
        lake.table("db.t")
    assert lake.tables() == []
    with pytest.raises(ls.OutOfRangeError, match="snapshot 3: it is still to come; there are snapshots 1 to 2") as late:
        keyed().changes((1, 9))
    assert (late.value.position, late.value.earliest, late.value.latest) == (3, 1, 2)


def test_numbers_lists_and_mappings_of_other_libraries_are_taken(put_back):
    assert keyed().scan(limit=np.int64(1)).count() == 1
    assert keyed().at(snapshot=np.int32(1)).count() == 2
    assert keyed().tags.delete("v1", dry_run=np.True_).dry_run is True
    assert keyed().scan(select=(name for name in ("id", "qty"))).to_arrow().column_names == ["id", "qty"]
    assert keyed().scan(select={"id": 1}.keys(), limit=10**30).count() == 2
    assert keyed().scan(ls.col("id").isin(np.array([1, 7]))).count() == 1
    assert keyed().scan(ls.col("id").isin(pa.array([1, 7]).to_pylist())).count() == 1
    assert keyed().consumers.reset("other", np.int64(1)).next_snapshot == 1
    plain().alter(ls.set_option("snapshot.num-retained.max", 50), ls.set_option("write-only", True))
    assert plain().options == {"snapshot.num-retained.max": "50", "write-only": "true"}


def test_unknown_arguments_stay_pythons_own_error(put_back):
    with pytest.raises(TypeError, match=r"scan\(\) got an unexpected keyword argument 'limits'"):
        keyed().scan(limits=5)
    with pytest.raises(TypeError, match="missing 1 required"):
        keyed().tags.create()
