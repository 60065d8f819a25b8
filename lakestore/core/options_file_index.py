"""The options of file indexes: which columns have which, what Paimon refuses of it, and the typed record.

``file-index.<kind>.columns`` names columns, and ``file-index.<kind>.<column>.<setting>`` sets what an index of that
kind takes there. ``m[k]`` is key ``k`` of the MAP column ``m``, and then settings of ``m`` hold for all its keys.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lakestore.core.bloom import FPP, ITEMS, UNFIT, filter_size
from lakestore.core.index_keys import form_of
from lakestore.core.options_values import parse_flag, parse_fraction, parse_int, parse_size
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.file_index import FileIndexOptions, IndexKind, IndexSpec
from lakestore.model.schema import TableSchema
from lakestore.model.types import (
    BINARIES,
    INTEGERS,
    STRINGS,
    TIMESTAMPS,
    DataType,
    TypeRoot,
)

PREFIX, COLUMNS = "file-index.", ".columns"
THRESHOLD, READ = "file-index.in-manifest-threshold", "file-index.read.enabled"
_PLAIN = frozenset({THRESHOLD, READ})
_SETTING_PARTS = 3
_NUMBERS = (*INTEGERS, TypeRoot.DECIMAL, TypeRoot.DATE, TypeRoot.TIME, *TIMESTAMPS)
_MAX_LONG_DIGITS, _MAX_MICROS = 18, 6


def parse_file_index(options: Mapping[str, str], *, strict: bool = False) -> FileIndexOptions:
    """The options as a record. Kinds that are not known here are left out: their indexes are neither made nor asked.

    Args:
        options: All options of a table.
        strict: Whether to refuse what stays without effect, as for a new table.

    Raises:
        InvalidInputError: A value is wrong; when strict, also a setting of a column without such an index.
    """
    specs = {(spec.kind, spec.name): spec for spec in _declared(options)}
    known = {str(kind) for kind in IndexKind}
    for key, value in options.items():
        parts = key.removeprefix(PREFIX).split(".")
        if not key.startswith(PREFIX) or key in _PLAIN or key.endswith(COLUMNS) or len(parts) != _SETTING_PARTS:
            continue
        kind, column, setting = parts
        if kind not in known:
            continue
        named = [spec for spec in specs.values() if spec.kind == kind and column in {spec.name, spec.column}]
        if not named and strict:
            raise _wrong(key, value, f"column {column!r} has no such index; name it in '{PREFIX}{kind}{COLUMNS}' first")
        for spec in named:
            own = spec.name == column
            settings = {**spec.settings, setting: value} if own else {setting: value, **spec.settings}
            specs[spec.kind, spec.name] = replace(spec, settings=settings)
    for spec in specs.values() if strict else ():
        settings_of(spec)
    return FileIndexOptions(
        specs=tuple(specs.values()),
        embed_bytes=_read(THRESHOLD, options.get(THRESHOLD, "500b"), parse_size),
        read=_read(READ, options.get(READ, "true"), parse_flag),
    )


def check_file_index(schema: TableSchema) -> None:
    """Check what is indexed against the columns.

    Raises:
        InvalidInputError: A kind, a column or a type is not as Paimon wants it.
    """
    known = {str(kind) for kind in IndexKind}
    for key, value in schema.options.items():
        if key.startswith(PREFIX) and key.endswith(COLUMNS):
            kind = key.removeprefix(PREFIX).removesuffix(COLUMNS)
            if kind not in known:
                raise _wrong(key, value, f"there is no index {kind!r}; there are: {', '.join(sorted(known))}")
    for spec in parse_file_index(schema.options, strict=True).specs:
        key = f"{PREFIX}{spec.kind}{COLUMNS}"
        if spec.column not in schema.names:
            raise _wrong(key, spec.name, f"there is no column {spec.column!r}; there are: {', '.join(schema.names)}")
        column = schema.find(spec.column)
        if (indexed := indexed_type(spec, column.type)) is None:
            raise _wrong(key, spec.name, f"{spec.column} is {column.type}; only a MAP with text keys has keys to index")
        if not takes(spec.kind, indexed):
            raise _wrong(key, spec.name, f"a {spec.kind} index does not take {indexed}; {_TAKES[spec.kind][1]}")


def indexed_type(spec: IndexSpec, kind: DataType) -> DataType | None:
    """The type of the values that are indexed of a column of that type; None if it has no keys to name."""
    if spec.key is None:
        return kind
    if kind.root is not TypeRoot.MAP or kind.key is None or kind.key.root not in STRINGS:
        return None
    return kind.value


def takes(kind: IndexKind, values: DataType) -> bool:
    """Whether values of a type can have an index of a kind, by Paimon's rules."""
    return form_of(values) is not None and _TAKES[kind][0](values)


def settings_of(spec: IndexSpec) -> dict[str, Any]:
    """The settings that indexes of the kind have, read and with their defaults.

    Raises:
        InvalidInputError: A value is wrong.
    """
    found = {}
    for name, (default, read) in _SETTINGS[spec.kind].items():
        text = spec.settings.get(name)
        found[name] = default if text is None else _read(f"{PREFIX}{spec.kind}.{spec.name}.{name}", text, read)
    if spec.kind is IndexKind.BLOOM:
        try:
            filter_size(found["items"], found["fpp"])
        except InvalidInputError as error:
            raise _wrong(f"{PREFIX}{spec.kind}{COLUMNS}", spec.name, error.message) from error
    return found


def _declared(options: Mapping[str, str]) -> Iterator[IndexSpec]:
    for kind in IndexKind:
        key = f"{PREFIX}{kind}{COLUMNS}"
        if key not in options:
            continue
        for part in options[key].split(","):
            name = part.strip()
            if not name:
                raise _wrong(key, options[key], "a column name is empty")
            at = name.find("[") if name.endswith("]") else -1
            if at < 0:
                yield IndexSpec(column=name, kind=kind)
            else:
                yield IndexSpec(column=name[:at], kind=kind, key=name[at + 1 : -1])


def _read(key: str, text: str, read: Callable[[str], Any]) -> Any:  # noqa: ANN401 - what ``read`` reads
    try:
        return read(text)
    except ValueError as error:
        raise _wrong(key, text, str(error)) from error


def _version(text: str) -> int:
    version = parse_int(text)
    if version not in {1, 2}:
        raise ValueError("expected 1 or 2")
    return version


def _in_64_bits(kind: DataType) -> bool:
    return not (kind.root is TypeRoot.DECIMAL and (kind.precision or 0) > _MAX_LONG_DIGITS) and not (
        kind.root in TIMESTAMPS and (kind.precision or 0) > _MAX_MICROS
    )


_SETTINGS: Mapping[IndexKind, Mapping[str, tuple[Any, Callable[[str], Any]]]] = {
    IndexKind.BLOOM: {"items": (ITEMS, parse_int), "fpp": (FPP, parse_fraction)},
    IndexKind.BITMAP: {"version": (2, _version), "index-block-size": (16 * 1024, parse_size)},
    IndexKind.RANGE_BITMAP: {"chunk-size": (None, parse_size)},
    IndexKind.BSI: {},
}
_TAKES: Mapping[IndexKind, tuple[Callable[[DataType], bool], str]] = {
    IndexKind.BLOOM: (
        lambda kind: kind.root not in UNFIT,
        "it takes numbers but DECIMAL, text, bytes, dates and times",
    ),
    IndexKind.BITMAP: (
        lambda kind: kind.root not in {TypeRoot.DECIMAL, *BINARIES},
        "it takes BOOLEAN, numbers but DECIMAL, text, dates and times",
    ),
    IndexKind.RANGE_BITMAP: (
        lambda kind: kind.root not in BINARIES and _in_64_bits(kind),
        "it takes BOOLEAN, numbers, text, dates and times; DECIMAL to 18 digits and TIMESTAMP to 6",
    ),
    IndexKind.BSI: (lambda kind: kind.root in _NUMBERS, "it takes whole numbers, DECIMAL, dates and times"),
}


def _wrong(key: str, value: object, why: str) -> InvalidInputError:
    return InvalidInputError(f"option {key!r} = {str(value)!r}: {why}", kind=ErrorKind.INVALID_OPTION)
