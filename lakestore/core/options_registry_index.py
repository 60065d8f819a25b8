"""Options of file indexes."""

from lakestore.core.options_registry_entry import honoured

OPTIONS = (
    honoured(
        "file-index.<type>.columns text",
        "Columns that get an index of that kind in every new data file: `bloom-filter`, `bitmap`, `range-bitmap`, "
        "`bsi`; `m[k]` is one key of a MAP. See docs/indexes.md.",
    ),
    honoured(
        "file-index.<type>.<setting> text",
        "`file-index.<type>.<column>.<setting>`: `items` and `fpp` of a bloom filter, `version` and `index-block-size` "
        "of a bitmap, `chunk-size` of a range bitmap.",
    ),
    honoured(
        "file-index.in-manifest-threshold size 500b",
        "File indexes up to that size stand in the manifest, larger ones in files of their own.",
    ),
    honoured("file-index.read.enabled bool true", "Whether scans ask file indexes which files they can skip."),
)
