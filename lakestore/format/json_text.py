"""JSON metadata files: bytes to checked models, and models to the text that Paimon itself would write.

Every schema, snapshot and tag file goes through here, so that damage is named the same way everywhere: the file,
the field, what was expected and what was found.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError, UnsupportedFormatError

JSON_BYTES_MAX = 64 * 1024 * 1024
"""A metadata file beyond this is damage: schemas and snapshots are kilobytes."""

Long = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
"""A Java ``long``."""
Count = Annotated[int, Field(ge=0, lt=1 << 63)]
"""A Java ``long`` that counts or numbers something."""


class FileModel(BaseModel):
    """Base of the models of metadata files: exact types, unknown keys ignored.

    Attributes are named and ordered as the file's keys are, but in snake case.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, alias_generator=to_camel)


Model = TypeVar("Model", bound=FileModel)


def read_object(data: bytes, path: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        CorruptTableError: The bytes are not one JSON object.
    """
    if len(data) > JSON_BYTES_MAX:
        raise CorruptTableError(f"{len(data)} bytes, but metadata files stay below {JSON_BYTES_MAX}", path=path)
    try:
        node = from_json(data)
    except ValueError as error:
        raise CorruptTableError(f"not a JSON object: {error}", path=path) from error
    if not isinstance(node, dict):
        raise CorruptTableError(f"expected a JSON object, found {type(node).__name__}", path=path)
    return node


def read_version(node: Mapping[str, Any], *, newest: int, what: str, path: str) -> int:
    """The ``version`` of a metadata object; files without one are of version 1.

    Raises:
        CorruptTableError: It is no positive integer.
        UnsupportedFormatError: It is above ``newest``.
    """
    version = node.get("version")
    if version is None:
        return 1
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise CorruptTableError(f"field 'version': expected a positive integer, found {version!r}", path=path)
    if version > newest:
        raise UnsupportedFormatError(
            f"{path}: {what} version {version} was written by a newer Paimon; this release reads up to version"
            f" {newest}: upgrade LakeStore",
            kind=ErrorKind.UNSUPPORTED_VERSION,
        )
    return version


def validate(model: type[Model], node: Mapping[str, Any], path: str) -> Model:
    """Check an object against a model.

    Raises:
        CorruptTableError: A field is missing or of the wrong type; the message names each.
    """
    try:
        return model.model_validate(dict(node))
    except ValidationError as error:
        raise CorruptTableError("; ".join(_complaints(error)), path=path) from error


def check_writable(model: type[Model], node: Mapping[str, Any], what: str) -> None:
    """Check an object that is about to be written: what could not be read back must never reach a table.

    Raises:
        InvalidInputError: A field is of the wrong type; the message names each.
    """
    try:
        model.model_validate(dict(node))
    except ValidationError as error:
        raise InvalidInputError(
            f"{what} is not written, since nobody could read it: {'; '.join(_complaints(error))}. Correct the argument",
            kind=ErrorKind.INVALID_TYPE,
        ) from error


def _complaints(error: ValidationError) -> list[str]:
    texts = []
    for detail in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in detail["loc"])
        found = "" if detail["type"] == "missing" else f", found {_short(detail['input'])}"
        texts.append(f"field {where!r}: {detail['msg']}{found}")
    return texts


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def write_object(node: Mapping[str, Any]) -> bytes:
    """Print an object as Jackson's default pretty printer does: ``"key" : value``, arrays on one line.

    Raises:
        InvalidInputError: A string holds half of a surrogate pair, which no UTF-8 file can keep.
    """
    try:
        return _pretty(node, depth=0).encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"text {_short(error.object)} is not valid Unicode: {error.reason}") from error


def _pretty(node: object, *, depth: int) -> str:
    if isinstance(node, Mapping):
        if not node:
            return "{ }"
        inner = "  " * (depth + 1)
        members = [
            f"{inner}{json.dumps(key, ensure_ascii=False)} : {_pretty(value, depth=depth + 1)}"
            for key, value in node.items()
        ]
        return "{\n" + ",\n".join(members) + "\n" + "  " * depth + "}"
    if isinstance(node, list | tuple):
        if not node:
            return "[ ]"
        return "[ " + ", ".join(_pretty(item, depth=depth) for item in node) + " ]"
    return json.dumps(node, ensure_ascii=False)
