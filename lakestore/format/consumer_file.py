"""Consumer files: ``consumer/consumer-ID``, one reader's position (Paimon ``Consumer``, spec page on consumers).

Paimon's format knows the next snapshot only. LakeStore adds a key of its own with the position within that snapshot,
which other engines pass over: they read the snapshot from its beginning.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from lakestore.format.json_text import Count, FileModel, read_object, validate, write_object

NEXT_SNAPSHOT = "nextSnapshot"


class _ConsumerModel(FileModel):
    next_snapshot: Count
    own: dict[str, Any] | None = Field(None, alias="lakestore")


def consumer_from_json(data: bytes, path: str) -> tuple[int, Mapping[str, Any] | None]:
    """Number of the snapshot that the consumer reads next, and LakeStore's own position if it is there.

    Args:
        data: The file's bytes.
        path: Its path, for messages.

    Raises:
        CorruptTableError: It is no such object.
    """
    model = validate(_ConsumerModel, read_object(data, path), path)
    return model.next_snapshot, model.own


def consumer_to_json(next_snapshot: int, own: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of a consumer file."""
    return write_object({NEXT_SNAPSHOT: next_snapshot, **({} if own is None else {"lakestore": own})})
