"""Unions of serialized sets, for the merge functions ``rbm32``, ``rbm64``, ``hll_sketch`` and ``theta_sketch``.

The sketches are those of Apache DataSketches and need its Python package, which few tables ask for: it is looked for
when the first two sketches meet.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from pyroaring import BitMap

from lakestore.errors import CorruptTableError, ErrorKind, UnsupportedFormatError
from lakestore.format.bitmap64 import Lows, read_bitmap64, write_bitmap64
from lakestore.model.merging import Function

_SKETCH_LG_K_MAX = 21
"""Greatest accuracy of an HLL sketch: a union of that accuracy loses nothing of its members."""


def union_32(values: Sequence[bytes]) -> bytes:
    """The union of serialized 32-bit Roaring bitmaps (the portable form, with runs).

    Raises:
        CorruptTableError: A value is no such bitmap.
    """
    bitmaps = []
    for value in values:
        try:
            bitmaps.append(BitMap.deserialize(value))
        except (ValueError, IndexError) as error:
            raise CorruptTableError(
                f"{len(value)} bytes are not a serialized 32-bit Roaring bitmap: {error}"
            ) from error
    united = BitMap.union(*bitmaps)
    united.run_optimize()
    return bytes(united.serialize())


def union_64(values: Sequence[bytes]) -> bytes:
    """The union of serialized 64-bit Roaring bitmaps (the form of Java's ``Roaring64Bitmap``).

    Raises:
        CorruptTableError: A value is no such bitmap.
    """
    united: dict[int, Lows] = {}
    for value in values:
        for key, lows in read_bitmap64(value).items():
            united[key] = np.union1d(united[key], lows) if key in united else lows
    return write_bitmap64(united)


def union_hll(values: Sequence[bytes]) -> bytes:
    """The union of serialized HLL sketches, as a compact HLL_4 sketch of the least accuracy among them.

    Raises:
        UnsupportedFormatError: The package that knows them is not installed.
        CorruptTableError: A value is no such sketch.
    """
    package = _datasketches("hll_sketch")
    sketches = [_sketch(package.hll_sketch.deserialize, value, "HLL") for value in values]
    united = package.hll_union(min([sketch.lg_config_k for sketch in sketches], default=_SKETCH_LG_K_MAX))
    for sketch in sketches:
        united.update(sketch)
    return bytes(united.get_result(package.tgt_hll_type.HLL_4).serialize_compact())


def union_theta(values: Sequence[bytes]) -> bytes:
    """The union of serialized theta sketches.

    Raises:
        UnsupportedFormatError: The package that knows them is not installed.
        CorruptTableError: A value is no such sketch.
    """
    package = _datasketches("theta_sketch")
    united = package.theta_union()
    for value in values:
        united.update(_sketch(package.compact_theta_sketch.deserialize, value, "theta"))
    return bytes(united.get_result().serialize())


UNIONS: Mapping[Function, Callable[[Sequence[bytes]], bytes]] = MappingProxyType(
    {
        Function.RBM32: union_32,
        Function.RBM64: union_64,
        Function.HLL_SKETCH: union_hll,
        Function.THETA_SKETCH: union_theta,
    }
)
"""How the serialized sets of each function become one; an argument of ``core.merge.engine.merge_rows``."""


def _datasketches(function: str) -> Any:  # noqa: ANN401 - a module without types
    if importlib.util.find_spec("datasketches") is None:
        raise UnsupportedFormatError(
            f"aggregate function {function} needs the package datasketches: pip install 'lakestore[sketches]'",
            kind=ErrorKind.MISSING_DEPENDENCY,
        )
    return importlib.import_module("datasketches")


def _sketch(read: Callable[[bytes], Any], value: bytes, what: str) -> Any:  # noqa: ANN401 - a class without types
    try:
        return read(value)
    except (ValueError, RuntimeError, IndexError) as error:
        raise CorruptTableError(f"{len(value)} bytes are not a serialized {what} sketch: {error}") from error
