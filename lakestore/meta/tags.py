"""Tag files of a table or branch: read, make, replace, rename, delete (Paimon ``TagManager``).

A tag is one file that holds the whole snapshot, so it outlives the snapshot's own file.

Invariants: a tag is made whole or not at all, by one maker; a tag file that exists and does not parse is an error,
never "there is none", since whatever it protects would be deleted; only the tag's own file is ever deleted here.
"""

import re

from lakestore.errors import AlreadyExistsError, CommitUnknownError, ErrorKind, InvalidInputError, NotFoundError
from lakestore.format.tag_file import tag_from_json, tag_to_json
from lakestore.meta.claim import claim
from lakestore.model.tag import Tag
from lakestore.storage.parallel import map_ordered
from lakestore.storage.paths import TAG_PREFIX, TablePaths
from lakestore.storage.store import FileInfo, Store

READ_WORKERS = 8
"""Tags read at a time when all are wanted."""

_TEMPORARY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.tmp$")
"""End of the names under which other writers prepare a file before they move it into place."""


class Tags:
    """Reads and writes the tags of a table or branch.

    Args:
        store: Where the table is.
        paths: How its files are called; those of a branch for the branch's tags.
    """

    def __init__(self, store: Store, paths: TablePaths) -> None:
        self._store = store
        self._paths = paths

    def names(self) -> list[str]:
        """Names of all tags, sorted, by listing."""
        return sorted(file.name.removeprefix(TAG_PREFIX) for file in self.files())

    def files(self) -> "list[FileInfo]":
        """The tag files as their folder lists them."""
        files = self._store.list(self._paths.tag_dir())
        return [file for file in files if file.name.startswith(TAG_PREFIX) and _is_tag(file.name)]

    def list(self) -> "list[Tag]":
        """All tags, by snapshot and name. One that is deleted meanwhile is left out.

        Raises:
            CorruptTableError: A file does not parse.
            StorageError: The store did not answer; nobody may then take a tag for absent.
        """
        found = map_ordered(self.get_or_none, self.names(), workers=READ_WORKERS)
        tags = [tag for tag in found if tag is not None]
        return sorted(tags, key=lambda tag: (tag.snapshot.id, tag.name))

    def get_or_none(self, name: str) -> Tag | None:
        """The tag of that name, None if there is none (proven).

        Raises:
            CorruptTableError: The file does not parse.
        """
        path = self._paths.tag(name)
        data = self._store.get_or_none(path)
        return None if data is None else tag_from_json(data, path, name=name)

    def get(self, name: str) -> Tag:
        """The tag of that name.

        Raises:
            NotFoundError: There is none; the message names those there are.
            CorruptTableError: The file does not parse.
        """
        tag = self.get_or_none(name)
        if tag is None:
            raise self._missing(name)
        return tag

    def exists(self, name: str) -> bool:
        """Whether there is a tag of that name."""
        return self._store.info(self._paths.tag(name)) is not None

    def create(self, tag: Tag) -> None:
        """Make a tag.

        Raises:
            AlreadyExistsError: There is one of that name.
            CommitUnknownError: The store does not say whether it was made.
        """
        self._make(tag.name, tag_to_json(tag))

    def replace(self, tag: Tag) -> None:
        """Let the tag of that name, made if there is none, name another snapshot."""
        self._store.put(self._paths.tag(tag.name), tag_to_json(tag))

    def rename(self, name: str, new_name: str) -> None:
        """Give a tag another name. A crash in between leaves it under both.

        Raises:
            NotFoundError: There is no tag of that name.
            AlreadyExistsError: The new name is taken.
        """
        data = self._store.get_or_none(self._paths.tag(name))
        if data is None:
            raise self._missing(name)
        if name == new_name:
            raise InvalidInputError(f"tag {name!r} has that name already")
        self._make(new_name, data)
        if self._store.get_or_none(self._paths.tag(name)) != data:  # Deleted or moved meanwhile: nothing may keep it.
            self._store.delete(self._paths.tag(new_name))
            raise self._missing(name)
        self._store.delete(self._paths.tag(name))

    def delete(self, name: str) -> None:
        """Remove a tag's own file; that there is none is fine."""
        self._store.delete(self._paths.tag(name))

    def _make(self, name: str, data: bytes) -> None:
        path = self._paths.tag(name)
        taken = self._store.get_or_none(path) is not None
        if taken or not claim(self._store, path, data, unknown=lambda: self._unknown(path)):
            raise AlreadyExistsError(
                f"tag {name!r} exists already in {self._where()}: choose another name, or replace it"
            )

    def _missing(self, name: str) -> NotFoundError:
        there = ", ".join(map(repr, self.names())) or "none"
        return NotFoundError(
            f"tag {name!r} not found in {self._where()}; there are: {there}", kind=ErrorKind.TAG_NOT_FOUND
        )

    def _unknown(self, path: str) -> CommitUnknownError:
        return CommitUnknownError(
            f"{self._store.url}{path}: the store does not say whether this tag was made; nothing was deleted. List the"
            " tags before you make it again"
        )

    def _where(self) -> str:
        return f"{self._store.url}{self._paths.tag_dir()}"


def _is_tag(name: str) -> bool:
    return name != TAG_PREFIX and _TEMPORARY.search(name) is None
