"""Decimals as Avro spells them: the unscaled value in as few big-endian bytes as hold it.

Everything is done for a whole column at once, on the sixteen bytes that Arrow keeps of each value.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_WIDTH = 16
_SIGN = 0x80


def to_bytes(array: pa.Array) -> pa.Array:
    """Decimal128 values as a binary array; nulls stay null."""
    raw = np.frombuffer(array.buffers()[1] or b"", np.uint8)
    start = array.offset * _WIDTH
    big = raw[start : start + len(array) * _WIDTH].reshape(-1, _WIDTH)[:, ::-1]
    fill = np.where(big[:, :1] & _SIGN, 0xFF, 0).astype(np.uint8)
    # A leading byte is needless when it and all before it are the sign's, and the next one says the sign as well.
    signs = np.logical_and.accumulate(big[:, :-1] == fill, axis=1)
    needless = signs & ((big[:, 1:] & _SIGN) == (fill & _SIGN))
    kept = np.ones(big.shape, bool)
    kept[:, :-1] = ~np.logical_and.accumulate(needless, axis=1)
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    kept &= valid[:, None]
    offsets = np.zeros(len(array) + 1, np.int32)
    np.cumsum(kept.sum(axis=1), out=offsets[1:])
    bitmap = None if array.null_count == 0 else pa.array(valid).buffers()[1]
    buffers = [bitmap, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(big[kept]))]
    return pa.Array.from_buffers(pa.binary(), len(array), buffers)


def from_bytes(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """A binary array of unscaled values as that decimal128 type.

    Raises:
        pa.ArrowInvalid: A value has no byte, more than sixteen, or more digits than the type.
    """
    offsets = np.frombuffer(array.buffers()[1] or b"", np.int32)
    offsets = offsets[array.offset : array.offset + len(array) + 1].astype(np.int64)
    data = np.frombuffer(array.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    if (lengths[valid] == 0).any() or (lengths > _WIDTH).any():
        raise pa.ArrowInvalid(f"a decimal takes 1 to {_WIDTH} bytes")
    big = np.zeros((len(array), _WIDTH), np.uint8)
    for length in np.unique(lengths[valid]):
        rows = np.flatnonzero(lengths == length)
        own: NDArray[np.uint8] = data[offsets[rows][:, None] + np.arange(length)]
        big[rows, _WIDTH - length :] = own
        big[rows, : _WIDTH - length] = np.where(own[:, :1] & _SIGN, 0xFF, 0)
    bitmap = None if array.null_count == 0 else pa.array(valid).buffers()[1]
    little = np.ascontiguousarray(big[:, ::-1])
    result = pa.Array.from_buffers(kind, len(array), [bitmap, pa.py_buffer(little)])
    result.validate(full=True)
    return result
