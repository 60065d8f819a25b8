"""Prepared files as JSON, so that one process can write them and another commit them, maybe days later.

A text has a version, and every list of files is the Avro manifest that Paimon itself would keep of them, in
base64: what
reads manifests reads these, and nothing is unpickled. A checksum tells a text that was cut or changed on its way.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from zlib import crc32

from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format.json_text import FileModel, validate
from lakestore.format.manifest_file import read_manifest, write_manifest
from lakestore.model.datafile import DataFile
from lakestore.model.job import Prepared
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.message import CommitMessage

MESSAGE_VERSION = 1
_WHAT = "commit message"
_CODEC = "deflate"


class _MessageModel(FileModel):
    table: str
    schema_id: int
    base_snapshot: int | None = None
    new_files: str
    changelog_files: str
    checksum: int


def prepared_to_json(prepared: Prepared) -> dict[str, Any]:
    """A JSON object that stands for prepared files.

    Raises:
        InvalidInputError: The messages hold more than fresh files, which is not for handing on.
    """
    for message in prepared.messages:
        if message.deleted_files or message.compact_before or message.compact_after or message.compact_changelog:
            raise InvalidInputError("only fresh files can be handed on as JSON; compactions commit on their own")
    new = _encoded(prepared.messages, lambda message: message.new_files)
    changelog = _encoded(prepared.messages, lambda message: message.changelog_files)
    return {
        "version": MESSAGE_VERSION,
        "table": prepared.table,
        "schemaId": prepared.schema_id,
        "baseSnapshot": prepared.base_snapshot,
        "rows": sum(file.row_count for message in prepared.messages for file in message.new_files),
        "newFiles": new,
        "changelogFiles": changelog,
        "checksum": _checksum(new, changelog),
    }


def prepared_from_json(told: Mapping[str, Any]) -> Prepared:
    """The prepared files that an object stands for.

    Raises:
        InvalidInputError: It stands for none, or was damaged.
        UnsupportedFormatError: A newer release made it.
    """
    if not isinstance(told, Mapping):
        raise InvalidInputError(f"{_WHAT}: expected an object that `prepare()` gave, found a {type(told).__name__}")
    version = told.get("version")
    if isinstance(version, int) and version > MESSAGE_VERSION:
        raise UnsupportedFormatError(
            f"{_WHAT} of version {version}: this release reads up to {MESSAGE_VERSION}; upgrade LakeStore",
            kind=ErrorKind.UNSUPPORTED_VERSION,
        )
    if version != MESSAGE_VERSION:
        raise InvalidInputError(f"{_WHAT}: expected an object that `prepare()` gave, found version {version!r}")
    try:
        model = validate(_MessageModel, told, _WHAT)
        if model.checksum != _checksum(model.new_files, model.changelog_files):
            raise InvalidInputError(f"{_WHAT}: the checksum does not fit; it was cut or changed on its way")
        new, changelog = _decoded(model.new_files), _decoded(model.changelog_files)
    except (CorruptTableError, binascii.Error) as error:
        raise InvalidInputError(f"{_WHAT} is damaged: {error}; prepare the rows again") from error
    places = dict.fromkeys([*new, *changelog])
    return Prepared(
        table=model.table,
        schema_id=model.schema_id,
        base_snapshot=model.base_snapshot,
        messages=tuple(
            CommitMessage(
                partition=partition,
                bucket=bucket,
                total_buckets=total,
                new_files=tuple(new.get((partition, bucket, total), ())),
                changelog_files=tuple(changelog.get((partition, bucket, total), ())),
            )
            for partition, bucket, total in places
        ),
    )


def _encoded(messages: Iterable[CommitMessage], files: Callable[[CommitMessage], Iterable[DataFile]]) -> str:
    entries = [
        ManifestEntry(
            kind=EntryKind.ADD,
            partition=message.partition,
            bucket=message.bucket,
            total_buckets=message.total_buckets,
            file=file,
        )
        for message in messages
        for file in files(message)
    ]
    return base64.b64encode(write_manifest(entries, _CODEC)).decode()


def _decoded(text: str) -> dict[tuple[bytes, int, int], list[DataFile]]:
    found: dict[tuple[bytes, int, int], list[DataFile]] = {}
    for entry in read_manifest(base64.b64decode(text, validate=True), _WHAT):
        found.setdefault((entry.partition, entry.bucket, entry.total_buckets), []).append(entry.file)
    return found


def _checksum(*texts: str) -> int:
    return crc32("\n".join(texts).encode())
