"""Job files: what LakeStore remembers of a job, in ``consumer/job-NAME/``. Paimon passes over names of that kind."""

from pydantic import Field

from lakestore.format.json_text import Count, FileModel, Long, read_object, read_version, validate, write_object
from lakestore.model.job import JobFact

JOB_VERSION = 1
_WHAT = "job file"


class _OwnerModel(FileModel):
    version: int
    owner: str = Field(min_length=1)


class _FactModel(_OwnerModel):
    table: str
    last: Long | None = None
    seen: Count
    seen_mark: str | None = None
    open: bool


def owner_from_json(data: bytes, path: str) -> str:
    """Read the file that names a job's owner.

    Raises:
        CorruptTableError: It is none.
        UnsupportedFormatError: It is of a newer version.
    """
    node = read_object(data, path)
    read_version(node, newest=JOB_VERSION, what=_WHAT, path=path)
    return validate(_OwnerModel, node, path).owner


def owner_to_json(owner: str) -> bytes:
    """The bytes of the file that names a job's owner."""
    return write_object({"version": JOB_VERSION, "owner": owner})


def fact_from_json(data: bytes, path: str) -> JobFact:
    """Read a fact.

    Raises:
        CorruptTableError: It is none.
        UnsupportedFormatError: It is of a newer version.
    """
    node = read_object(data, path)
    read_version(node, newest=JOB_VERSION, what=_WHAT, path=path)
    model = validate(_FactModel, node, path)
    return JobFact(
        table=model.table,
        owner=model.owner,
        last=model.last,
        seen=model.seen,
        seen_mark=model.seen_mark,
        open=model.open,
    )


def fact_to_json(fact: JobFact) -> bytes:
    """The bytes of a fact."""
    told: dict[str, object] = {
        "version": JOB_VERSION,
        "owner": fact.owner,
        "table": fact.table,
        "last": fact.last,
        "seen": fact.seen,
        "seenMark": fact.seen_mark,
        "open": fact.open,
    }
    return write_object({key: value for key, value in told.items() if value is not None})
