"""A table's options: parsed into typed records, checked against what LakeStore can do, and described.

The registry knows every key. ``parse_options`` only reads the honoured ones; ``check_writable`` and
``check_readable`` refuse the tables whose other options would make the rows mean something else than what LakeStore
would write or read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from lakestore.core.options_append import AppendTexts
from lakestore.core.options_compact import CompactTexts
from lakestore.core.options_file_index import parse_file_index
from lakestore.core.options_model import OptionTexts
from lakestore.core.options_registry import OLD_NAMES, REGISTRY, lookup, misspelled
from lakestore.core.options_registry_entry import Option, Refuses, Status
from lakestore.core.options_retain import RetainTexts
from lakestore.core.options_stream import StreamTexts
from lakestore.core.options_tags import TagTexts
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.options import (
    MIB,
    AlterOptions,
    BucketOptions,
    CommitOptions,
    CompactOptions,
    FileOptions,
    MergeOptions,
    PartitionOptions,
    ScanOptions,
    StatsOptions,
    TableOptions,
    WriteOptions,
)
from lakestore.model.schema import TableSchema
from lakestore.model.stats import StatsMode, parse_stats_mode

_STATS_PREFIX, _STATS_SUFFIX = "fields.", ".stats-mode"
OWN_PREFIX = "lakestore."


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRow:
    """One line of the options page.

    Attributes:
        key: The option.
        status: ``honoured``, ``inert``, ``refused``, or ``refused for writing`` and the like.
        default: Its default, empty for none.
        text: What it does, or why not.
    """

    key: str
    status: str
    default: str
    text: str


def parse_options(options: Mapping[str, str], *, schema: TableSchema) -> TableOptions:
    """The honoured options as typed records; all others are left alone.

    Args:
        options: As stored in the schema, or with changes for one use of the table.
        schema: The table's schema; some defaults differ with a primary key.

    Raises:
        InvalidInputError: An honoured option has a value that it does not take.
    """
    written = _present_names(options)
    try:
        present = {key: options[name] for key, name in written.items()}
        texts = OptionTexts.model_validate(present)
        compact = CompactTexts.model_validate(present).record()
        append = AppendTexts.model_validate(present).record()
        tags = TagTexts.model_validate(present).record()
        stream = StreamTexts.model_validate(present).record()
        retain = RetainTexts.model_validate(present)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = written.get(str(first["loc"][0]), str(first["loc"][0]))
        message = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
        raise _bad_value(key, options.get(key, ""), message) from error
    records = _records(texts, _column_stats(options), compact, keyed=bool(schema.primary_keys))
    records = replace(records, append=append, stream=stream, tags=tags)
    return replace(
        records,
        retain=retain.retain(),
        partition_expiry=retain.partitions(),
        file_index=parse_file_index(options),
    )


def check_values(options: Mapping[str, str]) -> None:
    """Check that every known option, honoured or not, has a value of its kind, and that no key is misspelled.

    Keys that nobody knows are other engines' own and stay; only one that looks like a known key is refused, and
    any unknown key that begins with ``lakestore.``.

    Raises:
        InvalidInputError: A value is wrong, or a key looks like a misspelling; the message names the likely one.
    """
    for key, value in options.items():
        if not isinstance(value, str):
            raise _bad_value(key, value, "expected text; options are stored as text")
        option = lookup(key)
        if option is None:
            near = misspelled(key)
            if near or key.startswith(OWN_PREFIX):
                raise InvalidInputError(
                    f"option {key!r} is not known" + (f"; did you mean {near!r}?" if near else ""),
                    kind=ErrorKind.INVALID_OPTION,
                )
        elif (expected := option.check(value)) is not None:
            raise _bad_value(key, value, expected)


def check_writable(schema: TableSchema) -> None:
    """Refuse a table that LakeStore could only write wrongly.

    Raises:
        UnsupportedFormatError: The message names each option in the way, why, and what to do.
    """
    _refuse(schema, Refuses.WRITE)


def check_readable(schema: TableSchema) -> None:
    """Refuse a table whose rows LakeStore would get wrong.

    Raises:
        UnsupportedFormatError: The message names each option in the way, why, and what to do.
    """
    _refuse(schema, Refuses.READ)


def unknown_keys(options: Mapping[str, str]) -> tuple[str, ...]:
    """Keys that neither Paimon nor LakeStore knows; they are kept as they are."""
    return tuple(sorted(key for key in options if lookup(key) is None))


def describe_options() -> list[OptionRow]:
    """Every known key, sorted, with what becomes of it; older spellings point to the present one."""
    rows = [
        OptionRow(key=option.key, status=_status(option), default=option.default or "", text=_described(option))
        for option in REGISTRY.values()
    ]
    rows += [
        OptionRow(key=old, status=_status(REGISTRY[new]), default="", text=f"Older spelling of `{new}`.")
        for old, new in OLD_NAMES.items()
    ]
    return sorted(rows, key=lambda row: row.key)


def _present_names(options: Mapping[str, str]) -> dict[str, str]:
    """Present key to the key as it is written, present spellings first."""
    names = {key: key for key in options if key not in OLD_NAMES}
    for old, new in OLD_NAMES.items():
        if old in options:
            names.setdefault(new, old)
    return names


def _bad_value(key: str, value: object, expected: str) -> InvalidInputError:
    return InvalidInputError(f"option {key!r} = {value!r}: {expected}", kind=ErrorKind.INVALID_OPTION)


def _column_stats(options: Mapping[str, str]) -> dict[str, StatsMode]:
    modes: dict[str, StatsMode] = {}
    for key, value in options.items():
        if key.startswith(_STATS_PREFIX) and key.endswith(_STATS_SUFFIX):
            try:
                modes[key[len(_STATS_PREFIX) : -len(_STATS_SUFFIX)]] = parse_stats_mode(value)
            except InvalidInputError as error:
                raise _bad_value(key, value, error.message) from error
    return modes


def _records(
    texts: OptionTexts,
    column_stats: Mapping[str, StatsMode],
    compact: CompactOptions,
    *,
    keyed: bool,
) -> TableOptions:
    return TableOptions(
        bucket=BucketOptions(count=texts.bucket, key=texts.bucket_key, function=texts.bucket_function_type),
        files=FileOptions(
            format=texts.file_format,
            compression=texts.file_compression,
            zstd_level=texts.file_compression_zstd_level,
            target_bytes=texts.target_file_size or (128 if keyed else 256) * MIB,
            data_prefix=texts.data_file_prefix,
            changelog_prefix=texts.changelog_file_prefix,
            suffix_compression=texts.file_suffix_include_compression,
            thin=texts.data_file_thin_mode,
            directory=texts.data_file_path_directory,
            row_group_rows=texts.lakestore_row_group_rows,
            format_per_level=texts.file_format_per_level,
            compression_per_level=texts.file_compression_per_level,
            changelog_format=texts.changelog_file_format,
            changelog_compression=texts.changelog_file_compression,
        ),
        stats=StatsOptions(
            mode=texts.metadata_stats_mode,
            columns=column_stats,
            dense=texts.metadata_stats_dense_store,
            keep_first=texts.metadata_stats_keep_first_n_columns,
            changelog_mode=texts.changelog_file_stats_mode,
        ),
        merge=MergeOptions(
            engine=texts.merge_engine,
            sequence_fields=texts.sequence_field,
            sequence_descending=texts.sequence_field_sort_order,
            ignore_delete=texts.ignore_delete,
            ignore_update_before=texts.ignore_update_before,
            rowkind_field=texts.rowkind_field,
            changelog_producer=texts.changelog_producer,
        ),
        write=WriteOptions(buffer_bytes=texts.write_buffer_size, write_only=texts.write_only),
        commit=CommitOptions(
            max_retries=texts.commit_max_retries,
            min_wait_ms=texts.commit_min_retry_wait,
            max_wait_ms=texts.commit_max_retry_wait,
            timeout_ms=texts.commit_timeout,
            ignore_empty=texts.snapshot_ignore_empty_commit,
            manifest_target_bytes=texts.manifest_target_file_size,
            manifest_merge_min_count=texts.manifest_merge_min_count,
            manifest_merge_early=texts.lakestore_manifest_merge_early,
            manifest_full_compaction_bytes=texts.manifest_full_compaction_threshold_size,
            manifest_compression=texts.manifest_compression,
        ),
        partition=PartitionOptions(default_name=texts.partition_default_name, legacy_name=texts.partition_legacy_name),
        scan=ScanOptions(
            split_target_bytes=texts.source_split_target_size,
            split_open_cost=texts.source_split_open_file_cost,
            window_rows=texts.lakestore_merge_window_rows,
            fallback_branch=texts.scan_fallback_branch,
        ),
        alter=AlterOptions(
            before_partition=texts.add_column_before_partition,
            keep_nullable=texts.alter_column_null_to_not_null_disabled,
            implicit_only=texts.disable_explicit_type_casting,
        ),
        compact=compact,
        dynamic_partition_overwrite=texts.dynamic_partition_overwrite,
        deletion_vectors=texts.deletion_vectors_enabled,
    )


def _refuse(schema: TableSchema, what: Refuses) -> None:
    reasons = list(_refusals(schema, what))
    if reasons:
        raise UnsupportedFormatError(
            f"LakeStore refuses {what.value} this table:\n" + "\n".join(f"  {reason}" for reason in reasons)
        )


def _refusals(schema: TableSchema, what: Refuses) -> Iterator[str]:
    """Why not, for each option; an option that is not set counts with its default."""
    effective = {option.key: (option, option.default) for option in REGISTRY.values() if option.limits}
    for key, name in _present_names(schema.options).items():
        option = lookup(key)
        if option is not None and option.limits:
            effective[name] = (option, schema.options[name])
            if name != key:
                effective.pop(key, None)
    keyed = bool(schema.primary_keys)
    for name, (option, value) in effective.items():
        for limit in option.limits:
            if value is None or limit.keyed is (not keyed) or not limit.refuses.covers(what) or limit.allows(value):
                continue
            yield f"option {name!r} = {value!r}: {limit.reason}"
            break


def _status(option: Option) -> str:
    if option.status is not Status.REFUSED:
        return str(option.status)
    refuses = option.limits[0].refuses
    return "refused" if refuses is Refuses.BOTH else f"refused for {refuses.value}"


def _described(option: Option) -> str:
    """The text, and for an honoured key with a choice which values are refused."""
    if option.status is not Status.HONOURED:
        return option.text
    limits = [
        f"Values other than {', '.join(limit.accepts.split('|'))} are refused for {limit.refuses.value}."
        for limit in option.limits
        if re.fullmatch(r"[\w|-]+", limit.accepts)
    ]
    return " ".join([option.text, *limits])
