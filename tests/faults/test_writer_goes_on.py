"""A writer that has lost rows to a failing store never commits the others as if they were all."""

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.faulty import FaultKind, FaultyStore, NthCall

KINDS = [FaultKind.BEFORE, FaultKind.AFTER]
CALLS_MAX = 200
ROWS = [{"id": number, "v": number} for number in range(100)]


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_tried_again_has_all_rows_or_none(tmp_path, keyed, kind):
    options = {"bucket": 2} | ({} if keyed else {"bucket-key": "id"})
    key = {"primary_key": ["id"]} if keyed else {}
    refused = 0
    for number in range(1, CALLS_MAX):
        folder = tmp_path / str(number)
        ls.connect(folder).create_table("db.t", schema={"id": "INT", "v": "INT"}, options=options, **key)
        store, root = open_store(str(folder))
        plan = NthCall(n=0, kind=kind)
        table = Lake(FaultyStore(store, plan), root, Env(background=False)).table("db.t")
        plan.n, plan.seen = number, 0
        with table.writer() as writer:
            writer.write(ROWS)
            for _ in range(2):
                try:
                    writer.commit()
                except ls.InvalidInputError:
                    refused += 1
                except (ls.StorageError, ls.CommitUnknownError):
                    continue
                break
        assert ls.connect(folder).table("db.t").count() in {0, 100}, number
        if not plan.fired:
            break
    else:
        raise AssertionError("the sweep did not end")
    assert refused
