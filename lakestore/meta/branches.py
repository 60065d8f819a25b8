"""Branches of a table: which there are, and what their names may be (Paimon ``BranchManager``).

A branch is a folder ``branch/branch-NAME`` with schemas, snapshots and tags of its own; data files and manifests are
the table's.
"""

from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.storage.paths import BRANCH_PREFIX, MAIN_BRANCH, TablePaths
from lakestore.storage.safe_names import check_given_name
from lakestore.storage.store import Store


class Branches:
    """Finds the branches of a table.

    Args:
        store: Where the table is.
        paths: How its files are called; on which branch does not matter.
    """

    def __init__(self, store: Store, paths: TablePaths) -> None:
        self._store = store
        self._paths = paths

    def list(self) -> list[str]:
        """Names of all branches but ``main``, sorted, by listing.

        A folder counts whatever is in it: what cleans up must look into it, even if its making was cut short.
        """
        folders = self._store.list_directories(self._paths.branches_dir())
        return sorted(
            name.removeprefix(BRANCH_PREFIX)
            for name in folders
            if name.startswith(BRANCH_PREFIX) and name != BRANCH_PREFIX
        )

    def exists(self, name: str) -> bool:
        """Whether there is a whole branch of that name, which its first schema says; ``main`` always is."""
        return name == MAIN_BRANCH or self._store.info(self._paths.on_branch(name).schema(0)) is not None

    def require(self, name: str) -> TablePaths:
        """Paths of a branch.

        Raises:
            NotFoundError: There is none of that name; the message names those there are.
        """
        if not self.exists(name):
            there = ", ".join(map(repr, [MAIN_BRANCH, *self.list()]))
            raise NotFoundError(
                f"branch {name!r} not found in {self._store.url}{self._paths.branches_dir()}; there are: {there}",
                kind=ErrorKind.BRANCH_NOT_FOUND,
            )
        return self._paths.on_branch(name)


def check_new_name(name: str) -> str:
    """The name itself, when a branch can have it.

    Raises:
        InvalidInputError: It is ``main``, only digits, or no plain file name.
    """
    check_given_name(name, what="branch")
    if name == MAIN_BRANCH:
        raise InvalidInputError("branch 'main' is the table itself: choose another name")
    if name.isdigit():
        raise InvalidInputError(f"branch {name!r} would be a number; other engines refuse it: choose another name")
    return name
