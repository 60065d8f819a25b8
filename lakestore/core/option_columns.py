"""Options that name columns: which ones do, and what they say after a column got another name.

| option | where the names stand |
|---|---|
| ``bucket-key``, ``sequence.field``, ``clustering.columns`` and others | in the value, between commas |
| ``file-index.<type>.columns`` | in the value, a nested key in brackets after the name |
| ``fields.<column>.<what>``, ``file-index.<type>.<column>.<what>`` | in the key |
| ``fields.<columns>.sequence-group``, ``.nested-key`` | in the key and in the value |
"""

import re
from collections.abc import Callable, Collection, Mapping

NAMES_IN_VALUE = frozenset(
    {
        "bucket-key",
        "sequence.field",
        "rowkind.field",
        "record-level.time-field",
        "clustering.columns",
        "sink.clustering.by-columns",
        "changelog-producer.row-deduplicate-ignore-fields",
        "partial-update.remove-record-on-sequence-group",
        "vector-field",
        "blob-field",
        "blob-descriptor-field",
        "blob-view-field",
    }
)
"""Options whose value is a list of columns."""

INDEX_OPTIONS = frozenset(
    f"pk-{kind}.index.columns" for kind in ("vector", "btree", "bitmap", "multivalue", "full-text")
)
"""Options whose value lists columns with an index over the whole table."""

_FILE_INDEX = re.compile(r"file-index\.[^.]+\.columns")
_INDEX_SETTING = re.compile(r"(file-index\.[^.]+\.)([^.]+)(\.[^.]+)")
_FIELDS = "fields."
_GROUPS = (".sequence-group", ".nested-key")


def renamed(options: Mapping[str, str], old: str, new: str, *, columns: Collection[str]) -> dict[str, str]:
    """The options after a column got another name.

    Args:
        options: The options before.
        old: The column's old name.
        new: Its new name.
        columns: All column names before, to tell a name with dots in it from the end of a key.
    """

    def follow(name: str) -> str:
        return new if name == old else name

    return {_key(key, columns, follow): _value(key, value, follow) for key, value in options.items()}


def naming(options: Mapping[str, str], column: str, *, columns: Collection[str]) -> tuple[str, ...]:
    """The options that name a column, sorted.

    Args:
        options: The options.
        column: The column's name.
        columns: All column names, that one among them.
    """
    found = []
    for key, value in options.items():
        seen: list[str] = []

        def note(name: str, seen: list[str] = seen) -> str:
            seen.append(name)
            return name

        _key(key, columns, note)
        _value(key, value, note)
        if column in seen:
            found.append(key)
    return tuple(sorted(found))


def _key(key: str, columns: Collection[str], each: Callable[[str], str]) -> str:
    if (setting := _INDEX_SETTING.fullmatch(key)) is not None:
        return f"{setting[1]}{_before_bracket(setting[2], each)}{setting[3]}"
    if not key.startswith(_FIELDS):
        return key
    rest = key.removeprefix(_FIELDS)
    for name in sorted(columns, key=len, reverse=True):
        if rest.startswith(f"{name}."):
            return f"{_FIELDS}{each(name)}{rest[len(name) :]}"
    names, dot, what = rest.partition(".")
    return f"{_FIELDS}{_list(names, each)}{dot}{what}" if dot else key


def _value(key: str, value: str, each: Callable[[str], str]) -> str:
    if _FILE_INDEX.fullmatch(key):
        return ",".join(_before_bracket(part, each) for part in _split(value))
    grouped = key.startswith(_FIELDS) and key.endswith(_GROUPS)
    return _list(value, each) if grouped or key in NAMES_IN_VALUE or key in INDEX_OPTIONS else value


def _before_bracket(name: str, each: Callable[[str], str]) -> str:
    return re.sub(r"[^\[]+", lambda found: each(found[0]), name, count=1)


def _list(names: str, each: Callable[[str], str]) -> str:
    return ",".join(each(name) for name in _split(names))


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]
