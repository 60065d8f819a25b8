"""Reading an index from its bytes, big-endian, and keys as indexes store them."""

import struct

import numpy as np
from numpy.typing import NDArray

from lakestore.core.index_groups import Groups
from lakestore.core.index_keys import Key, KeyForm, keys_of_stored, stored_numbers
from lakestore.errors import CorruptTableError


class Cursor:
    """A place in the bytes of an index.

    Args:
        data: The bytes.
        path: What messages call the file.
        at: Where to begin.
    """

    def __init__(self, data: bytes, path: str, at: int = 0) -> None:
        self.data = data
        self.path = path
        self.at = at

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            CorruptTableError: There are fewer.
        """
        piece = self.data[self.at : self.at + count] if count >= 0 and self.at >= 0 else b""
        if len(piece) != count:
            raise CorruptTableError(f"the file index ends at byte {len(self.data)}, inside a value", path=self.path)
        self.at += count
        return piece

    def number(self, width: int = 4) -> int:
        """The next signed number."""
        return int.from_bytes(self.take(width), "big", signed=True)

    def count(self) -> int:
        """The next number, of things that follow.

        Raises:
            CorruptTableError: There is not even a byte for each.
        """
        found = self.number()
        if not 0 <= found <= len(self.data):
            raise CorruptTableError(f"the index speaks of {found} things in {len(self.data)} bytes", path=self.path)
        return found

    def key(self, form: KeyForm) -> Key:
        """The next key."""
        if form.width is None:
            return self.take(self.count())
        return int(self.keys(1, form)[0])

    def keys(self, count: int, form: KeyForm, *, then: str = "") -> NDArray[np.int64]:
        """Keys of a fixed width, each with what stands behind it, which is skipped: a struct format."""
        kind = np.dtype([("key", f">i{form.width}"), ("rest", f"V{struct.calcsize('>' + then)}")])
        return keys_of_stored(np.frombuffer(self.take(count * kind.itemsize), kind)["key"], form)


def key_bytes(groups: Groups, form: KeyForm) -> list[bytes]:
    """The distinct keys as indexes store them."""
    if groups.numbers is None:
        return [struct.pack(">i", len(text)) + text for text in groups.texts]
    width = form.width or 0
    whole = stored_numbers(groups.numbers, form).tobytes()
    return [whole[at : at + width] for at in range(0, len(whole), width)]
