"""Making, renaming and removing branches (Paimon ``FileSystemBranchManager``).

A branch is made of copies of metadata: the tag and the snapshot it starts from, and the schemas up to that snapshot's;
an empty branch has schemas only. No data is copied.

1. Make: tag, snapshot, then schemas from the highest number down. Schema 0 comes last and makes the branch, so that a
   branch cut short is no branch.
2. Remove: schema 0 first, then the rest, then the folders. Both can be done again after a crash.
3. Rename: copy everything as above, look again what changed or went meanwhile, then remove the old one. A crash leaves
   both.

Invariant: a branch that exists is whole. Data files are never removed here: what only a branch used is left to cleaning
of orphans.
"""

from dataclasses import dataclass

from lakestore.errors import (
    AlreadyExistsError,
    CommitUnknownError,
    ConflictError,
    ErrorKind,
    InvalidInputError,
    NotFoundError,
)
from lakestore.format.snapshot_file import snapshot_to_json
from lakestore.format.tag_file import tag_to_json
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.protectors import is_held, same_state
from lakestore.meta.branches import Branches, check_new_name
from lakestore.meta.claim import claim
from lakestore.model.snapshot import Snapshot
from lakestore.model.tag import Tag
from lakestore.storage.paths import MAIN_BRANCH
from lakestore.storage.store import FileInfo

RENAME_ROUNDS = 10
"""How often files that appear on a branch while it is renamed are copied after the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedBranch:
    """A branch that was made.

    Attributes:
        name: Its name.
        tag: The tag that it starts from and that keeps its files; None for an empty branch.
        snapshot_id: The snapshot that it starts from; None for an empty branch.
    """

    name: str
    tag: str | None = None
    snapshot_id: int | None = None

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"branch": self.name, "tag": self.tag, "snapshot": self.snapshot_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedBranch:
    """A branch that went, or would go.

    Attributes:
        name: Its name.
        files: Its metadata files, by path.
        dry_run: Nothing was removed.
    """

    name: str
    files: tuple[str, ...]
    dry_run: bool = False

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"branch": self.name, "files": list(self.files), "dry_run": self.dry_run}


def create_branch(
    parts: CleanParts, name: str, *, tag: str | None = None, snapshot: Snapshot | None = None, exists_ok: bool = False
) -> CreatedBranch:
    """Make a branch.

    Args:
        parts: The table or branch that it starts from.
        name: The new branch's name.
        tag: Start from that tag.
        snapshot: Start from that snapshot. A tag ``branch-NAME`` is made to keep it: expiry by other engines looks at
            tags of the main branch only.
        exists_ok: Leave a branch of that name as it is, instead of raising.

    Raises:
        AlreadyExistsError: There is a branch of that name.
        NotFoundError: There is no such tag.
        InvalidInputError: No branch can have that name, or tag and snapshot are both given.
        ConflictError: The folder holds the remains of another branch, or what it was to start from went meanwhile.
    """
    check_new_name(name)
    if tag is not None and snapshot is not None:
        raise InvalidInputError("a branch starts from a tag or from a snapshot, not from both")
    if Branches(parts.store, parts.paths).exists(name):
        if exists_ok:
            return CreatedBranch(name=name)
        raise AlreadyExistsError(f"branch {name!r} of {parts.name} exists already: choose another name")
    start = parts.tags.get(tag) if tag is not None else _tagged(parts, name, snapshot)
    branch = parts.on_branch(name)
    files: dict[str, bytes] = {}
    if start is not None:
        files[branch.paths.tag(start.name)] = _bytes_of(parts, parts.paths.tag(start.name), tag_to_json(start))
        number = start.snapshot.id
        files[branch.paths.snapshot(number)] = _bytes_of(
            parts, parts.paths.snapshot(number), snapshot_to_json(start.snapshot)
        )
    _put_all(branch, files)
    _refuse_remains(branch, set(files))
    if start is not None and not _still_tagged(parts, start):
        for path in files:
            branch.store.delete(path)
        raise ConflictError(
            f"tag {start.name!r} of {parts.name} was deleted or moved while branch {name!r} was made from it, so that"
            " nothing keeps the branch's files; there is no such branch",
            kind=ErrorKind.TAG_NOT_FOUND,
        )
    _put_schemas(parts, branch, None if start is None else start.snapshot.schema_id)
    if start is None:
        return CreatedBranch(name=name)
    return CreatedBranch(name=name, tag=start.name, snapshot_id=start.snapshot.id)


def delete_branch(parts: CleanParts, name: str, *, dry_run: bool = False) -> RemovedBranch:
    """Remove a branch: its metadata, and nothing else.

    Raises:
        NotFoundError: There is no branch of that name.
        InvalidInputError: It is ``main``, or the branch that reads fall back to.
    """
    if name not in Branches(parts.store, parts.paths).list():
        Branches(parts.store, parts.paths).require(name)
    if name in {MAIN_BRANCH, parts.paths.branch}:
        raise InvalidInputError(f"branch {name!r} is the one that is open; open another one to remove it")
    if name == parts.options.scan.fallback_branch:
        raise InvalidInputError(
            f"branch {name!r} is what reads of {parts.name} fall back to; unset option scan.fallback-branch first"
        )
    store = parts.store
    folder = parts.paths.branch_dir(name)
    first = parts.on_branch(name).paths.schema(0)
    found = [file.path for file in store.list_recursive(folder)]
    paths = sorted(found, key=lambda path: (path != first, path))
    if not dry_run:
        for path in paths:
            store.delete(path)
        _remove_folders(parts, folder)
    return RemovedBranch(name=name, files=tuple(paths), dry_run=dry_run)


def rename_branch(parts: CleanParts, name: str, new_name: str) -> None:
    """Give a branch another name. Nobody may write to it meanwhile; what is seen to have been is taken along.

    Raises:
        NotFoundError: There is no branch of that name.
        AlreadyExistsError: The new name is taken.
        InvalidInputError: No branch can have the new name, or ``main`` was to be renamed.
        ConflictError: The branch is being written to, or the new name's folder is not empty.
    """
    check_new_name(new_name)
    if name == MAIN_BRANCH:
        raise InvalidInputError("branch 'main' is the table itself and keeps its name")
    Branches(parts.store, parts.paths).require(name)
    if new_name in Branches(parts.store, parts.paths).list():
        raise AlreadyExistsError(
            f"branch {new_name!r} of {parts.name} exists already, or its remains do: choose another name, or delete it"
        )
    old, new = parts.paths.branch_dir(name), parts.paths.branch_dir(new_name)
    first = parts.on_branch(name).paths.schema(0)
    copied: set[FileInfo] = set()
    for _ in range(RENAME_ROUNDS):
        there = set(parts.store.list_recursive(old))
        # What expired on the old branch after it was copied may lack files by now; what expires from here on sees the
        # new branch.
        for path in {file.path for file in copied} - {file.path for file in there}:
            parts.store.delete(f"{new}{path.removeprefix(old)}")
        missing = there - copied
        if not missing:
            delete_branch(parts, name)
            return
        for file in sorted(missing, key=lambda file: (file.path == first, file.path)):
            data = parts.store.get_or_none(file.path)
            if data is not None:
                parts.store.put(f"{new}{file.path.removeprefix(old)}", data)
        copied = there
    raise ConflictError(
        f"branch {name!r} of {parts.name} gets new files faster than they are copied; stop its writers, delete branch"
        f" {new_name!r} and rename again"
    )


def _tagged(parts: CleanParts, name: str, snapshot: Snapshot | None) -> Tag | None:
    """A tag that keeps the snapshot which a branch starts from."""
    if snapshot is None:
        return None
    tag = Tag(f"branch-{name}", snapshot)
    there = parts.tags.get_or_none(tag.name)
    if there is None:
        parts.tags.create(tag)
        if is_held(parts, snapshot, beside=tag.name):
            return tag
        parts.tags.delete(tag.name)
        raise ConflictError(
            f"snapshot {snapshot.id} of {parts.name} expired while branch {name!r} was made from it; there is no such"
            " branch",
            kind=ErrorKind.SNAPSHOT_NOT_FOUND,
        )
    if there.snapshot != snapshot:
        raise AlreadyExistsError(
            f"tag {tag.name!r} of {parts.name}, which is to keep snapshot {snapshot.id} for the branch, names snapshot"
            f" {there.snapshot.id}: delete it, or start the branch from a tag of your own"
        )
    return tag


def _still_tagged(parts: CleanParts, tag: Tag) -> bool:
    """Whether the tag still names that snapshot. Whoever deletes it later sees the branch."""
    there = parts.tags.get_or_none(tag.name)
    return there is not None and same_state(there.snapshot, tag.snapshot)


def _bytes_of(parts: CleanParts, path: str, otherwise: bytes) -> bytes:
    """A file as it is, or what it would be when it is gone."""
    found = parts.store.get_or_none(path)
    return otherwise if found is None else found


def _put_schemas(parts: CleanParts, branch: CleanParts, last: int | None) -> None:
    """Copy the schemas up to a number, the first one last."""
    ids = parts.schemas.ids()
    if not ids or ids[0] != 0:
        raise NotFoundError(
            f"{parts.name} has no schema 0 in {parts.paths.schema_dir()}, and no branch can be made without it",
            kind=ErrorKind.SCHEMA_NOT_FOUND,
        )
    for number in reversed([number for number in ids if last is None or number <= last]):
        _put_all(branch, {branch.paths.schema(number): parts.store.get(parts.paths.schema(number))})


def _put_all(branch: CleanParts, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        if not claim(branch.store, path, data, unknown=lambda: _unknown(branch)):
            raise _remains(branch, path)


def _refuse_remains(branch: CleanParts, ours: set[str]) -> None:
    """What a branch begins with is what was put there, and nothing else."""
    paths = branch.paths
    for folder in (paths.snapshot_dir(), paths.tag_dir(), paths.changelog_dir()):
        for file in branch.store.list(folder):
            if file.path not in ours:
                raise _remains(branch, file.path)


def _remains(branch: CleanParts, path: str) -> ConflictError:
    return ConflictError(
        f"{branch.store.url}{path} is left of another branch {branch.paths.branch!r} of {branch.name}, or another is"
        " being made; delete the branch, which removes what is left, and make it again",
        kind=ErrorKind.FILE_EXISTS,
    )


def _unknown(branch: CleanParts) -> CommitUnknownError:
    return CommitUnknownError(
        f"the store does not say whether branch {branch.paths.branch!r} of {branch.name} was made; list the branches,"
        " and delete it before you make it again"
    )


def _remove_folders(parts: CleanParts, folder: str) -> None:
    """Remove a folder of which the files are gone, from the inside out."""
    for name in parts.store.list_directories(folder):
        _remove_folders(parts, f"{folder}/{name}")
    parts.store.remove_empty_folder(folder)
