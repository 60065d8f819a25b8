"""How changelog files are written: as data files are, but for what their own options say."""

from dataclasses import replace

from lakestore.data.file_writer import WriteParts


def changelog_parts(parts: WriteParts, *, level: int = 0) -> WriteParts:
    """The parts for writing changelog files with a ``DataFileWriter``.

    Options ``changelog-file.prefix``, ``.format``, ``.compression`` and ``.stats-mode``; where one is not set, format,
    codec and statistics are those of data files.

    Args:
        parts: The table.
        level: Level of the files.
    """
    files, stats = parts.options.files.at_level(level, changelog=True), parts.options.stats
    files = replace(files, data_prefix=files.changelog_prefix, format_per_level={}, compression_per_level={})
    stats = replace(stats, mode=stats.changelog_mode or stats.mode)
    unindexed = replace(parts.options.file_index, specs=())
    options = replace(parts.options, files=files, stats=stats, file_index=unindexed)
    return replace(parts, options=options, recent=None)
