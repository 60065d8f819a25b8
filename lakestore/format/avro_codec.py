"""Codecs of Avro blocks: null, deflate, snappy, zstandard.

Unpacking stops at ``BLOCK_BYTES_MAX``, whatever a block claims, and a stream has to end inside its block.
"""

import zlib
from collections.abc import Callable, Mapping

import pyarrow as pa
import zstandard

from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError, UnsupportedFormatError

BLOCK_BYTES_MAX = 64 * 1024 * 1024
"""Unpacked bytes of one block. Writers close a block after some ten kilobytes."""

_ZSTANDARD = "zstandard"
_ZSTD_LEVEL = 1
_ZSTD_WINDOW_MAX = 1 << 27
_ZSTD_FEED = 4096
"""Compressed bytes unpacked at a time: one byte makes 32 KiB at most, so the limit is passed by little."""
_NAMES = {
    "zstd": "zstandard",
    "zstandard": "zstandard",
    "snappy": "snappy",
    "deflate": "deflate",
    "none": "null",
    "null": "null",
}
"""Values of option ``manifest.compression`` and the Avro codecs they stand for."""
_UNPACK_ERRORS = (zlib.error, zstandard.ZstdError, pa.ArrowException, OSError, ValueError)


def codec_of(compression: str) -> str:
    """The Avro codec that option ``manifest.compression`` asks for.

    Raises:
        InvalidInputError: There is none of that name.
    """
    codec = _NAMES.get(compression.lower())
    if codec is None:
        raise InvalidInputError(
            f"option manifest.compression {compression!r}: expected one of {', '.join(_NAMES)}",
            kind=ErrorKind.INVALID_OPTION,
        )
    return codec


def check_codec(codec: str, path: str) -> None:
    """Refuse a file of a codec that this release does not read.

    Raises:
        UnsupportedFormatError: It is none of ours.
    """
    if codec not in _UNPACK:
        raise UnsupportedFormatError(
            f"{path}: Avro codec {codec!r} is not one of {', '.join(_UNPACK)}: have the engine that wrote the"
            " file write it again with option manifest.compression (manifests) or file.compression (data) set to one of"
            " these"
        )


def pack(codec: str, raw: bytes, *, level: int = _ZSTD_LEVEL) -> bytes:
    """Compress a block; the level is for zstandard alone."""
    if codec == _ZSTANDARD:
        return zstandard.ZstdCompressor(level=level, write_checksum=True).compress(raw)
    return _PACK[codec](raw)


def unpack(codec: str, payload: bytes, path: str) -> bytes:
    """Decompress a block.

    Raises:
        CorruptTableError: It does not unpack, or to more than ``BLOCK_BYTES_MAX``.
    """
    try:
        raw = _UNPACK[codec](payload)
    except _UNPACK_ERRORS as error:
        raise CorruptTableError(f"a {codec} block does not unpack: {error}", path=path) from error
    if len(raw) > BLOCK_BYTES_MAX:
        raise CorruptTableError(f"a block unpacks to more than {BLOCK_BYTES_MAX} bytes", path=path)
    return raw


def _unpack_deflate(payload: bytes) -> bytes:
    """Raw deflate; fastavro leaves three bytes of a checksum behind it, so what follows the end is passed over."""
    inflater = zlib.decompressobj(-15)
    raw = inflater.decompress(payload, BLOCK_BYTES_MAX + 1)
    if len(raw) <= BLOCK_BYTES_MAX and not inflater.eof:
        raise ValueError("the deflate stream does not end inside the block")
    return raw


def _unpack_snappy(payload: bytes) -> bytes:
    """Raw snappy begins with its unpacked size; Avro adds a checksum at the end."""
    size = 0
    for place, byte in enumerate(payload[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            break
    if size > BLOCK_BYTES_MAX:
        raise ValueError(f"{size} bytes announced")
    raw = bytes(pa.decompress(payload[:-4], decompressed_size=size, codec="snappy", asbytes=True))
    if zlib.crc32(raw) != int.from_bytes(payload[-4:], "big"):
        raise ValueError("checksum mismatch")
    return raw


def _unpack_zstandard(payload: bytes) -> bytes:
    stream = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_MAX).decompressobj()
    parts: list[bytes] = []
    size = at = 0
    while at < len(payload) and not stream.eof and size <= BLOCK_BYTES_MAX:
        parts.append(stream.decompress(payload[at : at + _ZSTD_FEED]))
        size += len(parts[-1])
        at += _ZSTD_FEED
    if size <= BLOCK_BYTES_MAX and (not stream.eof or stream.unused_data or at < len(payload)):
        raise ValueError("the zstd frame does not end where the block does")
    return b"".join(parts)


def _pack_deflate(raw: bytes) -> bytes:
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    return deflater.compress(raw) + deflater.flush()


def _pack_snappy(raw: bytes) -> bytes:
    return bytes(pa.compress(raw, codec="snappy", asbytes=True)) + zlib.crc32(raw).to_bytes(4, "big")


_UNPACK: Mapping[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": _unpack_deflate,
    "snappy": _unpack_snappy,
    "zstandard": _unpack_zstandard,
}
_PACK: Mapping[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": _pack_deflate,
    "snappy": _pack_snappy,
}
