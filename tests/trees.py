"""Builders of LSM trees: files of given levels and sizes. For tests of compaction."""

from lakestore.core.levels import Levels
from lakestore.model.datafile import DataFile


def tree_file(level, size, *, name, age=0, **overrides):
    """A file; greater ``age`` means written longer ago."""
    fields = {
        "name": name,
        "size": size,
        "row_count": size,
        "min_sequence": 1_000_000 - 10 * age,
        "max_sequence": 1_000_000 - 10 * age + 9,
        "schema_id": 0,
        "level": level,
        "creation_time": 1_700_000_000_000,
        "delete_row_count": 0,
    }
    return DataFile(**{**fields, **overrides})


def tree(*runs, num_levels=6):
    """A tree of one file for each ``(level, size)``, newest first."""
    files = [tree_file(level, size, name=f"f{age:03}", age=age) for age, (level, size) in enumerate(runs)]
    return Levels.of(files, num_levels=num_levels)


def fresh(*sizes, num_levels=6):
    """A tree with nothing but files of level 0, newest first."""
    return tree(*((0, size) for size in sizes), num_levels=num_levels)


def sizes_of(unit):
    """Sizes of the files that were picked; None if nothing was."""
    return None if unit is None else [file.size for file in unit.files]
