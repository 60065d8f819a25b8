"""The texts that table options take: sizes, durations, switches, numbers, choices.

Spelled as Paimon's own parser takes them (``MemorySize``, ``TimeUtils``, ``OptionsUtils``): units in any case, with
or without a blank, a bare size in bytes and a bare duration in milliseconds, ``true`` and ``false`` in any case.
"""

import re
from collections.abc import Callable, Mapping

_BYTES_PER_UNIT = {
    unit: 1024**power
    for power, units in enumerate(
        (
            ("", "b", "bytes"),
            ("k", "kb", "kibibytes"),
            ("m", "mb", "mebibytes"),
            ("g", "gb", "gibibytes"),
            ("t", "tb", "tebibytes"),
        )
    )
    for unit in units
}
_NANOS_PER_UNIT = {
    unit: nanos
    for nanos, units in (
        (1, ("ns", "nano", "nanos", "nanosecond", "nanoseconds")),
        (1_000, ("µs", "micro", "micros", "microsecond", "microseconds")),
        (1_000_000, ("", "ms", "milli", "millis", "millisecond", "milliseconds")),
        (1_000_000_000, ("s", "sec", "secs", "second", "seconds")),
        (60_000_000_000, ("m", "min", "minute", "minutes")),
        (3_600_000_000_000, ("h", "hour", "hours")),
        (86_400_000_000_000, ("d", "day", "days")),
    )
    for unit in units
}
_QUANTITY = re.compile(r"\s*([0-9]+)\s*([^\s0-9]*)\s*")
_LONG_MAX = (1 << 63) - 1
_INT_MAX = (1 << 31) - 1


def parse_size(text: str) -> int:
    """Bytes of a size such as ``128 mb``.

    Raises:
        ValueError: The text is no size.
    """
    return _quantity(text, _BYTES_PER_UNIT, "a size such as 128 mb")


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as ``10 min``; what is finer is cut off.

    Raises:
        ValueError: The text is no duration.
    """
    return _quantity(text, _NANOS_PER_UNIT, "a duration such as 10 min or 1 h") // 1_000_000


def parse_flag(text: str) -> bool:
    """A switch.

    Raises:
        ValueError: The text is neither ``true`` nor ``false``.
    """
    flag = {"true": True, "false": False}.get(text.strip().lower())
    if flag is None:
        raise ValueError("expected true or false")
    return flag


def parse_int(text: str) -> int:
    """A 32-bit number.

    Raises:
        ValueError: The text is none.
    """
    return _whole(text, _INT_MAX)


def parse_long(text: str) -> int:
    """A 64-bit number.

    Raises:
        ValueError: The text is none.
    """
    return _whole(text, _LONG_MAX)


def parse_fraction(text: str) -> float:
    """A decimal number.

    Raises:
        ValueError: The text is none.
    """
    if re.fullmatch(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", text) is None:
        raise ValueError("expected a number such as 0.5")
    return float(text)


def parse_pairs(text: str) -> dict[str, str]:
    """A map such as ``0:lz4,1:zstd``.

    Raises:
        ValueError: The text is none.
    """
    pairs = [part.split(":") for part in text.split(",")] if text.strip() else []
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("expected pairs such as 0:lz4,1:zstd")
    return {key.strip(): value.strip() for key, value in pairs}


def parse_levels(text: str) -> dict[int, str]:
    """A word for some levels, such as ``0:avro,5:orc``, in lower case.

    Raises:
        ValueError: The text is none, or a level is no number.
    """
    return {parse_int(level): word.lower() for level, word in parse_pairs(text).items()}


def split_names(text: str) -> tuple[str, ...]:
    """Column names between commas, without the blanks around them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "bool": parse_flag,
    "int": parse_int,
    "long": parse_long,
    "double": parse_fraction,
    "size": parse_size,
    "duration": parse_duration,
    "map": parse_pairs,
    "text": str,
}


def parse_value(kind: str, text: str) -> object:
    """The value of a text of that kind: a name from the table above, or choices as ``a|b|c``.

    Raises:
        ValueError: The text is no such value; the message says what is expected.
    """
    parser = _PARSERS.get(kind)
    if parser is not None:
        return parser(text)
    choices = kind.split("|")
    if text.strip().lower() not in choices:
        raise ValueError(f"expected one of {', '.join(choices)}")
    return text.strip().lower()


def _quantity(text: str, units: Mapping[str, int], expected: str) -> int:
    match = _QUANTITY.fullmatch(text)
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None or int(match[1]) * (factor if units is _BYTES_PER_UNIT else 1) > _LONG_MAX:
        raise ValueError(f"expected {expected}")
    return int(match[1]) * factor


def _whole(text: str, largest: int) -> int:
    if re.fullmatch(r"[+-]?[0-9]+", text) is None or not -largest - 1 <= int(text) <= largest:
        raise ValueError(f"expected a whole number of at most {largest}")
    return int(text)
