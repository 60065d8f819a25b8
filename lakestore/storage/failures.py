"""Errors of filesystems and their client libraries, told apart by what the catcher may do.

Client libraries answer one event in many ways, and some answers mislead: a failed condition comes as FileExistsError,
as EINVAL or as a bare 412; a refused request is not an absence; a timeout says nothing about what was applied. So
the HTTP status and the code of the answer decide where there are any, then the class, then ``errno``.

Libraries are recognised by the module of the error's class, since none of them may be imported here. Any other
exception is a defect of the program and passes unchanged.
"""

import errno
from collections.abc import Callable, Iterator
from types import TracebackType

from lakestore.errors import AlreadyExistsError, LakestoreError, NotFoundError, StorageError

Redact = Callable[[str], str]

READ = "read"
WRITE = "write"
CREATE = "create"
LIST = "list"
DELETE = "delete"

_CLIENT_MODULES = frozenset(
    {
        "adlfs",
        "aiobotocore",
        "aiohttp",
        "azure",
        "boto3",
        "botocore",
        "fsspec",
        "gcsfs",
        "google",
        "requests",
        "s3fs",
        "ssl",
        "urllib3",
    }
)
_NETWORK_CLASSES = (
    "Connect",
    "Connection",
    "Disconnected",
    "HTTPClientError",
    "IncompleteRead",
    "PayloadError",
    "ReadTimeout",
    "ServiceRequest",
    "ServiceResponse",
    "Timeout",
    "TransportError",
)
_TRANSIENT_CODES = frozenset(
    {
        "ConditionalRequestConflict",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    }
)
_TRANSIENT_ERRNOS = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EPIPE,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)
_NOT_FOUND = 404
_CONDITION_FAILED = 412
_REFUSED = frozenset({401, 403})
_DEEPEST = 8
"""Causes of an error that are looked at."""


class Guard:
    """Turns what a client library raises inside the ``with`` into an error of ours.

    Args:
        operation: READ, WRITE, CREATE (put if absent), LIST or DELETE.
        where: The file or folder, for the message.
        redact: Takes secrets out of texts.
    """

    __slots__ = ("operation", "redact", "where")

    def __init__(self, operation: str, where: str, *, redact: Redact) -> None:
        self.operation = operation
        self.where = where
        self.redact = redact

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, LakestoreError):
            return
        ours = translate(error, operation=self.operation, where=self.where, redact=self.redact)
        if ours is None:
            return
        # A cause that would show a secret in the traceback is left out.
        raise ours from (None if _shows_secret(error, self.redact) else error)


def translate(error: Exception, *, operation: str, where: str, redact: Redact = str) -> LakestoreError | None:
    """The error of ours that says the same; None when it is no error of a filesystem."""
    status, code = _answer(error)
    if not (isinstance(error, (OSError, TimeoutError)) or _is_client_error(error) or status or code):
        return None
    where = redact(where)
    refused = status in _REFUSED or isinstance(error, PermissionError)
    if operation == CREATE and _says_taken(error, status, code):
        return AlreadyExistsError(f"{where}: there is a file of that name already")
    absent = status == _NOT_FOUND or isinstance(error, (FileNotFoundError, IsADirectoryError, NotADirectoryError))
    if operation == READ and absent and not refused:
        return NotFoundError(f"{where}: no such file")
    said = redact(_said(error))
    if refused:
        return StorageError(
            f"{where}: the store refused to {operation}: {said}; check the credentials and that they allow reading,"
            " writing, listing and deleting there (a refusal says nothing about whether the file exists)"
        )
    transient = _is_transient(error, status, code)
    hint = "; trying again may help" if transient else ""
    return StorageError(f"{where}: cannot {operation}: {said}{hint}", transient=transient)


def _says_taken(error: Exception, status: int | None, code: str | None) -> bool:
    if code == "ConditionalRequestConflict":
        return False
    return isinstance(error, FileExistsError) or status == _CONDITION_FAILED or code == "PreconditionFailed"


def _is_transient(error: Exception, status: int | None, code: str | None) -> bool:
    if code in _TRANSIENT_CODES:
        return True
    if status is not None:
        return status in {408, 409, 425, 429} or status >= 500
    for link in _chain(error):
        if isinstance(link, (TimeoutError, ConnectionError)):
            return True
        if isinstance(link, OSError) and link.errno in _TRANSIENT_ERRNOS:
            return True
        if _is_client_error(link) and any(word in type(link).__name__ for word in _NETWORK_CLASSES):
            return True
    return False


def _answer(error: BaseException) -> tuple[int | None, str | None]:
    """HTTP status and error code of the answer that the error tells of, from wherever its library keeps them."""
    for link in _chain(error):
        response = getattr(link, "response", None)
        if isinstance(response, dict):
            code = response.get("Error", {}).get("Code")
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return _as_status(status) or _as_status(code), None if code is None else str(code)
        if _is_client_error(link):
            for name in ("status_code", "status", "code"):
                status = _as_status(getattr(link, name, None))
                if status is not None:
                    return status, None
    return None, None


def _as_status(value: object) -> int | None:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and 300 <= value <= 599 else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(_DEEPEST):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


def _is_client_error(error: BaseException) -> bool:
    return any(base.__module__.partition(".")[0] in _CLIENT_MODULES for base in type(error).__mro__)


def _said(error: BaseException) -> str:
    text = str(error).strip()
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _shows_secret(error: BaseException, redact: Redact) -> bool:
    return any(redact(text) != text for link in _chain(error) for text in (str(link), repr(link)))
