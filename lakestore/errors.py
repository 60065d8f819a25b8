"""Every error that LakeStore raises on purpose, grouped by what the catcher does about it.

    LakestoreError(kind, message)
    ├── InvalidInputError   (ValueError)    fix the call, the option or the schema
    ├── NotFoundError       (LookupError)   the thing named is not there; the message names what is
    │   └── OutOfRangeError                 a reading position has expired, or lies beyond the latest snapshot
    ├── AlreadyExistsError                  choose another name
    ├── ConflictError                       another commit won: plan again and retry
    ├── CommitUnknownError                  it may have landed: look before retrying
    ├── CorruptTableError                   stored bytes break the format
    ├── UnsupportedFormatError              written by something newer, or a feature we refuse by name
    ├── StorageError        (OSError)       the store failed; ``transient`` says if a retry makes sense
    └── InvariantError                      LakeStore is wrong: report it

``kind`` is a stable code, append-only; the message is for people and is not API.
"""

from enum import StrEnum
from typing import Any


class ErrorKind(StrEnum):
    """Stable codes of errors. Append only; never rename."""

    INVALID_VALUE = "invalid-value"
    INVALID_TYPE = "invalid-type"
    INVALID_OPTION = "invalid-option"
    INVALID_SCHEMA = "invalid-schema"
    INVALID_PREDICATE = "invalid-predicate"
    NULL_KEY = "null-key"
    MISSING_COLUMN = "missing-column"
    EXTRA_COLUMN = "extra-column"
    LOSSY_VALUE = "lossy-value"
    PATH_ESCAPE = "path-escape"
    TABLE_NOT_FOUND = "table-not-found"
    DATABASE_NOT_FOUND = "database-not-found"
    SNAPSHOT_NOT_FOUND = "snapshot-not-found"
    SCHEMA_NOT_FOUND = "schema-not-found"
    FILE_NOT_FOUND = "file-not-found"
    COLUMN_NOT_FOUND = "column-not-found"
    TAG_NOT_FOUND = "tag-not-found"
    BRANCH_NOT_FOUND = "branch-not-found"
    TABLE_EXISTS = "table-exists"
    FILE_EXISTS = "file-exists"
    FILE_GONE = "file-gone"
    FILE_ADDED_TWICE = "file-added-twice"
    LEVEL_OVERLAP = "level-overlap"
    BUCKET_COUNT_CHANGED = "bucket-count-changed"
    SCHEMA_CHANGED = "schema-changed"
    SEQUENCE_TAKEN = "sequence-taken"
    IDENTIFIER_TAKEN = "identifier-taken"
    RETRIES_EXHAUSTED = "retries-exhausted"
    COMMIT_UNKNOWN = "commit-unknown"
    CORRUPT = "corrupt"
    UNSUPPORTED_VERSION = "unsupported-version"
    UNSUPPORTED_FEATURE = "unsupported-feature"
    STORAGE = "storage"
    STORE_NOT_SAFE = "store-not-safe"
    MISSING_DEPENDENCY = "missing-dependency"
    INVARIANT = "invariant"
    OUT_OF_RANGE = "out-of-range"
    TABLE_REPLACED = "table-replaced"
    WRITER_FENCED = "writer-fenced"


class LakestoreError(Exception):
    """Base of all errors that LakeStore raises on purpose.

    Args:
        message: What happened, where, what was expected and what to do.
        kind: Stable code for programs.
    """

    default_kind = ErrorKind.INVARIANT

    def __init__(self, message: str, *, kind: ErrorKind | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind or self.default_kind

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.__dict__.copy()))


def _rebuild(cls: type[LakestoreError], message: str, state: dict[str, Any]) -> LakestoreError:
    error = cls(message)
    error.__dict__.update(state)
    return error


class InvalidInputError(LakestoreError, ValueError):
    """The call, an option, a schema or a row is wrong: fix it and call again."""

    default_kind = ErrorKind.INVALID_VALUE


class NotFoundError(LakestoreError, LookupError):
    """The named table, snapshot, tag, branch or file does not exist."""

    default_kind = ErrorKind.FILE_NOT_FOUND


class OutOfRangeError(NotFoundError):
    """A reading position has no snapshot to go on with: it expired, or the table was rolled back or made anew.

    Attributes:
        position: Number of the snapshot that was to be read.
        earliest: Number of the earliest that can be read; None when there is none. Likewise ``latest``.
    """

    default_kind = ErrorKind.OUT_OF_RANGE

    def __init__(
        self, message: str, *, position: int = 0, earliest: int | None = None, latest: int | None = None
    ) -> None:
        super().__init__(message)
        self.position = position
        self.earliest = earliest
        self.latest = latest


class AlreadyExistsError(LakestoreError):
    """The name is taken."""

    default_kind = ErrorKind.FILE_EXISTS


class ConflictError(LakestoreError):
    """Another commit won and this one no longer fits; nothing of it is visible."""

    default_kind = ErrorKind.FILE_GONE


class CommitUnknownError(LakestoreError):
    """Nobody can know whether the commit landed; nothing was deleted. The message says how to look."""

    default_kind = ErrorKind.COMMIT_UNKNOWN


class CorruptTableError(LakestoreError):
    """Stored bytes break the format."""

    default_kind = ErrorKind.CORRUPT

    def __init__(self, message: str, *, path: str = "", kind: ErrorKind | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message, kind=kind)
        self.path = path


class UnsupportedFormatError(LakestoreError):
    """Well-formed, but of a version or feature that this release refuses rather than guesses at."""

    default_kind = ErrorKind.UNSUPPORTED_FEATURE


class StorageError(LakestoreError, OSError):
    """The store failed. ``transient`` tells whether trying again makes sense."""

    default_kind = ErrorKind.STORAGE

    def __init__(self, message: str, *, transient: bool = False, kind: ErrorKind | None = None) -> None:
        super().__init__(message, kind=kind)
        self.transient = transient

    def __str__(self) -> str:
        return self.message


class InvariantError(LakestoreError):
    """A promise inside LakeStore was broken: please report it."""

    default_kind = ErrorKind.INVARIANT
