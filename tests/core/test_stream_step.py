"""What a stream does with a snapshot, by kind, producer and policy."""

from dataclasses import replace

import pytest

from lakestore.core.stream_step import Place, Source, ends_at, ends_before, ends_idle, least_level, place_of, source_of
from lakestore.errors import UnsupportedFormatError
from lakestore.model.rows import ChangelogProducer
from lakestore.model.snapshot import CommitKind
from lakestore.model.stream import OverwritePolicy, Until
from tests.core.test_stream_start import snapshot

NONE, INPUT, LOOKUP, FULL = ChangelogProducer
APPEND, COMPACT, OVERWRITE, ANALYZE = (snapshot(kind) for kind in CommitKind)


def told(one):
    return replace(one, changelog_manifest_list="c")


@pytest.mark.parametrize(
    ("one", "producer", "source"),
    [
        (APPEND, NONE, Source.DELTA),
        (told(APPEND), NONE, Source.DELTA),
        (COMPACT, NONE, Source.NOTHING),
        (ANALYZE, NONE, Source.NOTHING),
        (OVERWRITE, NONE, Source.NOTHING),
        (told(APPEND), INPUT, Source.CHANGELOG),
        (APPEND, INPUT, Source.NOTHING),
        (APPEND, LOOKUP, Source.NOTHING),
        (told(COMPACT), LOOKUP, Source.CHANGELOG),
        (told(COMPACT), FULL, Source.CHANGELOG),
        (COMPACT, FULL, Source.NOTHING),
        (OVERWRITE, LOOKUP, Source.NOTHING),
    ],
)
def test_source(one, producer, source):
    assert source_of(one, producer=producer, overwrites=OverwritePolicy.SKIP) is source


@pytest.mark.parametrize("producer", ChangelogProducer)
def test_policies_of_overwrites(producer):
    assert source_of(OVERWRITE, producer=producer, overwrites=OverwritePolicy.EMIT) is Source.REPLACED
    assert source_of(OVERWRITE, producer=producer, overwrites=OverwritePolicy.APPEND) is Source.DELTA
    with pytest.raises(UnsupportedFormatError, match="snapshot 1 is an overwrite"):
        source_of(OVERWRITE, producer=producer, overwrites=OverwritePolicy.FAIL)


def test_what_of_the_state_the_changes_have_told():
    assert [least_level(one, top=5) for one in ChangelogProducer] == [0, 0, 1, 5]


@pytest.mark.parametrize(
    ("following", "earliest", "latest", "place"),
    [
        (1, None, None, Place.COMING),
        (2, None, None, Place.BEYOND),
        (3, 4, 9, Place.EXPIRED),
        (4, 4, 9, Place.THERE),
        (9, 4, 9, Place.THERE),
        (10, 4, 9, Place.COMING),
        (11, 4, 9, Place.BEYOND),
    ],
)
def test_place(following, earliest, latest, place):
    assert place_of(following, earliest=earliest, latest=latest) is place


def test_bounds():
    one = replace(APPEND, id=7, time_millis=100, watermark=50)
    assert not ends_before(Until(), one)
    assert [ends_before(Until(snapshot=number), one) for number in (6, 7)] == [True, False]
    assert [ends_before(Until(timestamp_ms=time), one) for time in (99, 100)] == [True, False]
    assert [ends_before(Until(watermark=mark), one) for mark in (49, 50)] == [True, False]
    assert not ends_before(Until(watermark=0), replace(one, watermark=None))
    assert [ends_at(Until(snapshot=7), number) for number in (7, 8)] == [False, True]
    assert not ends_at(Until(timestamp_ms=0), 8)
    assert [ends_idle(Until(idle_ms=10), now_ms=0, idle_ms=time) for time in (9, 10)] == [False, True]
    assert [ends_idle(Until(timestamp_ms=10), now_ms=time, idle_ms=0) for time in (10, 11)] == [False, True]
