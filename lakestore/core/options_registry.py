"""Every table option of Paimon, of its Flink, Spark and Iceberg connectors and of LakeStore, and what becomes of it."""

import difflib
from collections.abc import Iterable, Mapping

from lakestore.core import (
    options_registry_append,
    options_registry_compact,
    options_registry_engines,
    options_registry_index,
    options_registry_layout,
    options_registry_lifecycle,
    options_registry_retain,
    options_registry_scan,
)
from lakestore.core.options_registry_entry import Option
from lakestore.errors import InvariantError

OLD_NAMES: Mapping[str, str] = {
    "first-row.ignore-delete": "ignore-delete",
    "deduplicate.ignore-delete": "ignore-delete",
    "partial-update.ignore-delete": "ignore-delete",
    "write.compaction-skip": "write-only",
    "log.scan": "scan.mode",
    "log.scan.timestamp-millis": "scan.timestamp-millis",
    "changelog-producer.lookup-wait": "lookup-wait",
    "sink.clustering.by-columns": "clustering.columns",
    "sink.clustering.strategy": "clustering.strategy",
    "snapshot.expire.clean-empty-directories": "snapshot.clean-empty-directories",
    "orc.write.batch-size": "write.batch-size",
    "delete-file.thread-num": "file-operation.thread-num",
    "blob.stored-descriptor-fields": "blob-descriptor-field",
    "parquet.variant.shreddingSchema": "variant.shreddingSchema",
}
"""Older spellings, all still accepted; the present one wins when both are set."""

NEAR = 0.82
"""How alike two keys are (``difflib``'s ratio) for one to count as a misspelling of the other."""


def _indexed(options: Iterable[Option]) -> dict[str, Option]:
    index: dict[str, Option] = {}
    for option in options:
        if option.key in index:
            raise InvariantError(f"option {option.key!r} is in the registry twice")
        index[option.key] = option
    return index


REGISTRY: Mapping[str, Option] = _indexed(
    (
        *options_registry_layout.OPTIONS,
        *options_registry_lifecycle.OPTIONS,
        *options_registry_retain.OPTIONS,
        *options_registry_scan.OPTIONS,
        *options_registry_compact.OPTIONS,
        *options_registry_append.OPTIONS,
        *options_registry_index.OPTIONS,
        *options_registry_engines.OPTIONS,
    )
)
"""By key; keys with ``<…>`` in them stand for many."""

_PATTERNS = tuple(option for option in REGISTRY.values() if option.is_pattern)


def lookup(key: str) -> Option | None:
    """What the registry says about a key, in any spelling; None if it is nobody's."""
    option = REGISTRY.get(OLD_NAMES.get(key, key))
    if option is not None:
        return None if option.is_pattern else option
    return next((pattern for pattern in _PATTERNS if pattern.matches(key)), None)


def misspelled(key: str) -> str | None:
    """The known key that an unknown one was probably meant to be, None if it is like no other."""
    candidates = [known for known, option in REGISTRY.items() if not option.is_pattern]
    candidates += OLD_NAMES
    if key.startswith("fields.") and key.count(".") >= 2:
        column = key[len("fields.") :].rsplit(".", 1)[0]
        candidates += [
            f"fields.{column}.{pattern.key.rsplit('>.', 1)[1]}"
            for pattern in _PATTERNS
            if pattern.key.startswith("fields.") and not pattern.key.endswith(">")
        ]
    near = difflib.get_close_matches(key.lower(), candidates, n=1, cutoff=NEAR)
    return near[0] if near else None
