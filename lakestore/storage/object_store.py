"""Object stores: S3, Google Cloud Storage and Azure Blob Storage, through s3fs, gcsfs and adlfs.

``put_if_absent`` is one conditional request: ``If-None-Match: *`` on S3, generation 0 on Google's, "no overwrite" on
Azure. Three things are checked before the first one in a bucket, since each could make the condition vanish without
a word: that the client libraries are new enough to send it, that the endpoint is none that is known to ignore it,
and, unless the service is Amazon's own, that the bucket honours it (``probe``).
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

from fsspec import AbstractFileSystem

from lakestore.storage.failures import CREATE
from lakestore.storage.probe import probe_put_if_absent
from lakestore.storage.remote_store import RemoteStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One client library.

    Attributes:
        filesystem: Module and name of its filesystem class.
        needs: Packages and the least versions that send the condition, with what they are compared to.
        ls_options: What makes its ``ls`` pass over its cache.
    """

    filesystem: tuple[str, str]
    needs: tuple[tuple[str, tuple[int, ...]], ...]
    ls_options: tuple[tuple[str, object], ...]


S3 = Family(
    filesystem=("s3fs", "S3FileSystem"),
    needs=(("s3fs", (2025, 7)), ("botocore", (1, 35, 21))),
    ls_options=(("refresh", True),),
)
GCS = Family(
    filesystem=("gcsfs", "GCSFileSystem"),
    needs=(("gcsfs", (2025, 7)),),
    ls_options=(("refresh", True),),
)
AZURE = Family(
    filesystem=("adlfs", "AzureBlobFileSystem"),
    needs=(("adlfs", (2024, 7)),),
    ls_options=(("invalidate_cache", True),),
)
_FAMILIES = (S3, GCS, AZURE)
_AMAZON = re.compile(r"(^|\.)amazonaws\.com(\.cn)?$")
_IGNORES_CONDITIONS = re.compile(r"(^|\.)storage\.googleapis\.com$")


def family_of(filesystem: AbstractFileSystem) -> Family | None:
    """The library the filesystem is of, None when it is no object store with conditional writes."""
    for base in type(filesystem).__mro__:
        for family in _FAMILIES:
            if (base.__module__.partition(".")[0], base.__name__) == family.filesystem:
                return family
    return None


class ObjectStore(RemoteStore):
    """An object store with conditional writes.

    Args:
        filesystem: Filesystem of one of the families.
        family: Its family.
        options: Storage options, to know which texts are secrets.
        proven: Skip the probe of the bucket.
    """

    def __init__(
        self,
        filesystem: AbstractFileSystem,
        family: Family,
        *,
        options: Mapping[str, object] | None = None,
        proven: bool = False,
    ) -> None:
        super().__init__(filesystem, options=options)
        self._family = family
        self._address: str = _endpoint_host(filesystem)
        self._refusal = _why_unsafe(family, self._address)
        self._proven = proven or (family is S3 and _is_amazon(self._address))
        self._get_options = _one_request_options(filesystem, family)

    @property
    def endpoint(self) -> str:
        """Host of the service; '' for the family's own."""
        return self._address

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Write a file, whole, durable and atomically, unless there is one."""
        if self._refusal is not None:
            raise self.not_safe(path, self._refusal)
        if not self._proven:
            probe_put_if_absent(self._without_probe(), path.rpartition("/")[0])
        with self._guard(CREATE, path):
            self._filesystem.pipe_file(path, bytes(data), mode="create")

    def remove_empty_folder(self, directory: str) -> None:
        """Nothing: there are no folders, and removing one may mean the bucket to the filesystem's library."""

    def _without_probe(self) -> "ObjectStore":
        """This store for the probe's own use."""
        return ObjectStore(self._filesystem, self._family, proven=True)

    def _read_whole(self, path: str) -> bytes:
        data: bytes = self._filesystem.cat_file(path, **self._get_options)
        return data

    def _in_folder(self, path: str, write: Any) -> Any:  # noqa: ANN401 - fsspec has no types
        # There are no folders; "not found" is a missing bucket, and s3fs would make one.
        del path
        return write()

    def _list_options(self) -> dict[str, object]:
        return dict(self._family.ls_options)


def _endpoint_host(filesystem: AbstractFileSystem) -> str:
    """Host and port of an endpoint that is not the library's own, '' for that."""
    options = getattr(filesystem, "storage_options", None) or {}
    client = getattr(filesystem, "client_kwargs", None) or {}
    url = getattr(filesystem, "endpoint_url", None) or client.get("endpoint_url") or options.get("account_host")
    address = urlsplit(str(url) if "//" in str(url) else f"//{url}") if url else None
    if address is None or address.hostname is None:
        return ""
    return address.hostname if address.port is None else f"{address.hostname}:{address.port}"


def _is_amazon(address: str) -> bool:
    return not address or _AMAZON.search(address.partition(":")[0]) is not None


def _why_unsafe(family: Family, address: str) -> str | None:
    if family is S3 and _IGNORES_CONDITIONS.search(address.partition(":")[0]):
        return "Google's S3-compatible endpoint ignores 'If-None-Match' (use gs:// instead)"
    for package, least in family.needs:
        found = _version_of(package)
        if found is not None and found < least:
            wanted = ".".join(map(str, least))
            return f"{package} {'.'.join(map(str, found))} does not send conditions; install {package}>={wanted}"
    return None


def _version_of(package: str) -> tuple[int, ...] | None:
    """Leading numbers of an installed package's version; None when the package tells none."""
    try:
        text = version(package)
    except PackageNotFoundError:
        return None
    numbers = re.match(r"\d+(?:\.\d+)*", text)
    return None if numbers is None else tuple(int(part) for part in numbers[0].split("."))


def _one_request_options(filesystem: AbstractFileSystem, family: Family) -> dict[str, object]:
    """Options of ``cat_file`` that keep s3fs from asking for the size before it reads."""
    reader = getattr(type(filesystem), "_cat_file", None)
    if family is not S3 or reader is None or "max_concurrency" not in inspect.signature(reader).parameters:
        return {}
    return {"max_concurrency": 1}
