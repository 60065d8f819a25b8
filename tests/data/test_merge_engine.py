"""Runs of one level each, for tables where a record above level 0 already is the merged result."""

from lakestore.core.sections import sections_of
from lakestore.data.merge_engine import runs_by_level
from lakestore.model.datafile import DataFile


def a_file(name, low, high, level):
    return DataFile(
        name=name,
        size=1,
        row_count=1,
        min_key=bytes([low]),
        max_key=bytes([high]),
        min_sequence=0,
        max_sequence=0,
        schema_id=0,
        level=level,
    )


def test_a_level_spread_over_several_runs_comes_in_key_order():
    files = [
        a_file("a", 1, 10, 2),
        a_file("x", 5, 40, 1),
        a_file("fresh", 7, 35, 0),
        a_file("b", 11, 20, 2),
        a_file("c", 21, 30, 2),
        a_file("newer", 12, 18, 0),
        a_file("y", 41, 50, 1),
        a_file("d", 38, 45, 2),
    ]
    (section,) = sections_of(files, bytes)
    runs = [[file.name for file in run.files] for run in runs_by_level(section, bytes)]
    assert runs == [["fresh"], ["newer"], ["x", "y"], ["a", "b", "c", "d"]]
