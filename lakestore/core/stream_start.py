"""Where a streaming read begins: from a word, or from what the table's options say. Pure."""

from collections.abc import Callable, Mapping

from lakestore.core.options_values import parse_long
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, CommitKind, Snapshot
from lakestore.model.stream import Start, StartMode

MillisOf = Callable[[str], int]
"""A point in time as text to epoch milliseconds; a time without zone is local, so only the caller can tell."""

PLACE_KEYS = (
    "scan.mode",
    "scan.snapshot-id",
    "scan.tag-name",
    "scan.timestamp",
    "scan.timestamp-millis",
    "log.scan",
    "log.scan.timestamp-millis",
)
"""Options that place a reader; streams honour them, so they do not stand in the way of a stream's full phase."""

_PLAIN = {StartMode.LATEST_FULL, StartMode.LATEST, StartMode.COMPACTED_FULL, StartMode.EARLIEST}
_NUMBERED = {StartMode.FROM_SNAPSHOT, StartMode.FROM_SNAPSHOT_FULL}


def parse_start(text: str, millis_of: MillisOf) -> Start:
    """The start that a text names.

    Args:
        text: ``latest-full``, ``latest``, ``compacted-full``, ``earliest``, ``from-snapshot=7``,
            ``from-snapshot-full=7``, ``from-timestamp=2026-11-20T12:00:00``, ``from-tag=v1``.
        millis_of: Reads a point in time.

    Raises:
        InvalidInputError: It names none.
    """
    word, equals, value = text.strip().partition("=")
    try:
        mode = StartMode(word.strip())
    except ValueError as error:
        raise _unknown(text) from error
    value = value.strip()
    if (mode in _PLAIN) == bool(equals) or (mode not in _PLAIN and not value):
        raise _unknown(text)
    if mode in _NUMBERED:
        if not value.isdigit() or int(value) < 1:
            raise _unknown(text)
        return Start(mode=mode, snapshot_id=int(value))
    if mode is StartMode.FROM_TIMESTAMP:
        return Start(mode=mode, timestamp_ms=millis_of(value))
    return Start(mode=mode, tag=value) if mode is StartMode.FROM_TAG else Start(mode=mode)


def start_of_options(options: Mapping[str, str], millis_of: MillisOf) -> Start:
    """The start that a table's options ask for: ``scan.mode`` and the options that go with it.

    Args:
        options: The table's options, present spellings.
        millis_of: Reads a point in time.

    Raises:
        InvalidInputError: A value is wrong, or one that the mode needs is missing.
        UnsupportedFormatError: The mode is none that a stream can begin with.
    """
    word = options.get("scan.mode", "default").strip().lower()
    snapshot = options.get("scan.snapshot-id")
    tag = options.get("scan.tag-name")
    millis = _millis(options, millis_of)
    if word == "default":
        word = "from-timestamp" if millis is not None else "from-snapshot" if snapshot or tag else "latest-full"
    match word:
        case "latest-full" | "full":
            return Start()
        case "latest" | "compacted-full":
            return Start(mode=StartMode(word))
        case "from-timestamp" if millis is not None:
            return Start(mode=StartMode.FROM_TIMESTAMP, timestamp_ms=millis)
        case "from-snapshot" | "from-snapshot-full" if snapshot:
            return Start(mode=StartMode(word), snapshot_id=_number("scan.snapshot-id", snapshot))
        case "from-snapshot" if tag:
            return Start(mode=StartMode.FROM_TAG, tag=tag)
        case "from-timestamp" | "from-snapshot" | "from-snapshot-full":
            raise InvalidInputError(
                f"option scan.mode = {word!r} needs scan.timestamp-millis, or scan.snapshot-id or scan.tag-name; give"
                " start= instead, such as 'latest-full'",
                kind=ErrorKind.INVALID_OPTION,
            )
    raise UnsupportedFormatError(
        f"option scan.mode = {word!r} is no place where a stream can begin; give start=, such as 'latest-full'"
    )


def is_full_compaction(snapshot: Snapshot, *, delta_commits: int | None) -> bool:
    """Whether ``compacted-full`` may begin at that snapshot (Paimon ``FullCompactedStartingScanner``).

    Args:
        snapshot: The snapshot.
        delta_commits: Commits between full compactions where the table counts them; None takes any compaction.
    """
    if snapshot.commit_kind is not CommitKind.COMPACT:
        return False
    identifier = snapshot.commit_identifier
    return delta_commits is None or identifier == BATCH_COMMIT_IDENTIFIER or identifier % delta_commits == 0


def _millis(options: Mapping[str, str], millis_of: MillisOf) -> int | None:
    if "scan.timestamp-millis" in options:
        return _number("scan.timestamp-millis", options["scan.timestamp-millis"])
    return millis_of(options["scan.timestamp"]) if "scan.timestamp" in options else None


def _number(key: str, text: str) -> int:
    try:
        return parse_long(text)
    except ValueError as error:
        raise InvalidInputError(f"option {key!r} = {text!r}: {error}", kind=ErrorKind.INVALID_OPTION) from error


def _unknown(text: str) -> InvalidInputError:
    return InvalidInputError(
        f"start {text!r}: expected latest-full, latest, compacted-full, earliest, from-snapshot=7,"
        " from-snapshot-full=7, from-timestamp=2026-11-20T12:00:00 or from-tag=NAME"
    )
