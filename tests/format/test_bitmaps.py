"""Unions of serialized sets: bytes that Java wrote, what comes back, and damage."""

import importlib.util
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from lakestore.errors import CorruptTableError, ErrorKind, UnsupportedFormatError
from lakestore.format.bitmap64 import read_bitmap64, write_bitmap64
from lakestore.format.bitmaps import UNIONS, union_32, union_64, union_hll, union_theta
from lakestore.model.merging import UNIONS as UNION_FUNCTIONS

SMALL = "01020000000000000000020002000000000100040000000000000000000000000000000000040000000000010000000100000000000000"
SMALL += "01000000fe0200000001020200000001000500010201000000000002000000000000000000000001000000"
"""{1, 5, 2**40}, as Java's Roaring64Bitmap reads and writes it."""

LARGE = "010400000000000000000200000000800000020001000000010000020002000000000100040000000000000000000000000000000000"
LARGE += "040000000000000000010200000000000000040000000000010000000100000000000000040000008000000000000300000000000000"
LARGE += "01000000fe04000000010202000000010005000102010000000000010064000000010070116300010201000000090004000000000000"
LARGE += "000000000003000000"
"""{1, 5, 2**40, 70000 to 70099, 2**63 + 9}, as Java united it: containers are not in the order of keys."""


def written(values):
    lows = {}
    for value in sorted(values):
        lows.setdefault(value >> 16, []).append(value & 0xFFFF)
    return write_bitmap64({key: np.array(own, np.uint16) for key, own in lows.items()})


def members(data):
    return {key << 16 | low for key, lows in read_bitmap64(data).items() for low in lows.tolist()}


def test_java_vectors():
    assert members(bytes.fromhex(SMALL)) == {1, 5, 2**40}
    assert written({1, 5, 2**40}).hex() == SMALL
    assert members(bytes.fromhex(LARGE)) == {1, 5, 2**40, *range(70000, 70100), 2**63 + 9}
    assert members(b"\0") == set()
    assert written(set()) == b"\0"


@pytest.mark.parametrize("count", [1, 2, 4, 5, 16, 17, 48, 49, 256, 300])
@pytest.mark.parametrize("shift", [16, 24, 40, 56])
def test_trees_of_every_kind_of_branch(count, shift):
    values = {(index << shift | index) & (2**64 - 1) for index in range(count)}
    assert members(written(values)) == values


def test_containers_of_every_kind():
    for values in ({7}, set(range(0, 9000, 2)), set(range(70000)), {*range(5000), *range(30000, 65536, 3)}):
        assert members(written(values)) == values


big = st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 2**18) | st.integers(2**32, 2**32 + 99), max_size=30)


@given(st.lists(big, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_union_64_is_the_union(sets):
    assert members(union_64([written(values) for values in sets])) == set().union(*sets)


@given(st.lists(st.sets(st.integers(0, 2**32 - 1) | st.integers(0, 99)), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_union_32_is_the_union(sets):
    united = union_32([BitMap(values).serialize() for values in sets])
    assert set(BitMap.deserialize(united)) == set().union(*sets)


@pytest.mark.parametrize("union", [union_32, union_64])
@pytest.mark.parametrize("data", [b"", b"\1", b"\1" + bytes(11), bytes.fromhex(SMALL)[:50], b"nonsense" * 9])
def test_damage_is_named(union, data):
    with pytest.raises(CorruptTableError, match="Roaring bitmap"):
        union([data, data])


def test_a_tree_without_an_end_is_damage():
    branch = struct.pack("<BHB", 0, 1, 0) + bytes(4)
    with pytest.raises(CorruptTableError, match="depth"):
        read_bitmap64(b"\1" + bytes(8) + branch * 20)


@pytest.mark.parametrize("union", [union_hll, union_theta])
def test_sketches_say_what_to_install(union, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnsupportedFormatError, match="pip install") as caught:
        union([b"one", b"two"])
    assert caught.value.kind is ErrorKind.MISSING_DEPENDENCY


def test_sketches_unite():
    package = pytest.importorskip("datasketches")
    hll, theta = [], []
    for members_of in (range(9000), range(5000, 20000)):
        one, other = package.hll_sketch(11, package.tgt_hll_type.HLL_8), package.update_theta_sketch()
        for value in members_of:
            one.update(value)
            other.update(value)
        hll.append(bytes(one.serialize_compact()))
        theta.append(bytes(other.compact().serialize()))
    assert package.hll_sketch.deserialize(union_hll(hll)).get_estimate() == pytest.approx(20000, rel=0.1)
    assert package.compact_theta_sketch.deserialize(union_theta(theta)).get_estimate() == pytest.approx(20000, rel=0.1)
    for union in (union_hll, union_theta):
        with pytest.raises(CorruptTableError, match="sketch"):
            union([b"xx", b"xx"])


def test_every_union_function_has_its_union():
    assert set(UNIONS) == UNION_FUNCTIONS
