"""Job files: ``consumer/job-NAME``, what LakeStore remembers of a job. Paimon passes over files of that name."""

from pydantic import Field

from lakestore.format.json_text import Count, FileModel, Long, read_object, read_version, validate, write_object
from lakestore.model.job import JobRecord, Pending

JOB_VERSION = 1


class _PendingModel(FileModel):
    identifier: Long
    base: Count


class _JobModel(FileModel):
    version: int
    table: str
    owner: str = Field(min_length=1)
    last: Long | None = None
    pending: _PendingModel | None = None


def job_from_json(data: bytes, path: str) -> JobRecord:
    """Read a job file.

    Raises:
        CorruptTableError: It is none.
        UnsupportedFormatError: It is of a newer version.
    """
    node = read_object(data, path)
    read_version(node, newest=JOB_VERSION, what="job file", path=path)
    model = validate(_JobModel, node, path)
    pending = None if model.pending is None else Pending(identifier=model.pending.identifier, base=model.pending.base)
    return JobRecord(table=model.table, owner=model.owner, last=model.last, pending=pending)


def job_to_json(record: JobRecord) -> bytes:
    """The bytes of a job file."""
    pending = record.pending
    told: dict[str, object] = {"version": JOB_VERSION, "table": record.table, "owner": record.owner}
    if record.last is not None:
        told["last"] = record.last
    if pending is not None:
        told["pending"] = {"identifier": pending.identifier, "base": pending.base}
    return write_object(told)
