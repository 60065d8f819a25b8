"""What a file in a table's folder is, by its path alone: the known patterns of names, and nothing else.

Only files whose names hold a uuid, under the folder where that kind of file lies, can ever be called an orphan. A file
of any other name is unknown, and stays; files with numbers or names of the user's (schemas, snapshots, changelogs,
tags, consumers, hints, success files) are the table's own say, and stay too.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What becomes of a file that nothing names."""

    OWN = "own"
    """The table's own say: never a candidate."""
    CANDIDATE = "candidate"
    """An orphan, if it is old and nothing names it."""
    TEMPORARY = "temporary"
    """Left by a writer that died: an orphan, if it is old."""
    UNKNOWN = "unknown"
    """Not a name that any writer of the format gives: reported, never deleted."""


_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_NUMBERED = {"schema": "schema", "snapshot": "snapshot", "changelog": "changelog"}
_NAMED = {"tag": "tag-", "consumer": "consumer-"}
_JOB = "job-"
"""Beginning of the folders, beside the consumers, of what writers remember of jobs."""
_HINTS = {"snapshot", "changelog"}
_METADATA = {
    "manifest": re.compile(rf"(manifest|manifest-list|index-manifest)-{_UUID}(-\d+)?"),
    "index": re.compile(rf"index-{_UUID}-\d+"),
    "statistics": re.compile(rf"stat-{_UUID}-\d+"),
}
_TEMPORARY = re.compile(rf"\..+\.{_UUID}\.tmp")
_BUCKET = re.compile(r"bucket-(\d+|postpone)")
_SUCCESS = "_SUCCESS"
BRANCH_FOLDER = "branch"
DEFAULT_PREFIXES = ("data-", "changelog-")


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How a table lays out its data files.

    Attributes:
        partition_keys: Partition columns, as folders spell them.
        prefixes: Beginnings of data and changelog files, under any schema the table had.
        directory: Option ``data-file.path-directory``, None for the table's own folder.
    """

    partition_keys: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = DEFAULT_PREFIXES
    directory: str | None = None

    def kind_of(self, path: str) -> Kind:
        """What the file of that path is.

        Args:
            path: Relative to the table's folder.
        """
        folders = path.split("/")
        name = folders.pop()
        if folders[:1] == [BRANCH_FOLDER]:
            return self._of_branch(folders, name)
        if len(folders) == 1 and folders[0] in _METADATA:
            return _of_metadata(_METADATA[folders[0]], name)
        own = _of_own(folders, name)
        return self._of_data(folders, name) if own is None else own

    def _of_branch(self, folders: Sequence[str], name: str) -> Kind:
        if len(folders) not in {3, 4} or not folders[1].startswith("branch-"):
            return Kind.UNKNOWN
        return _of_own(folders[2:], name) or Kind.UNKNOWN

    def _of_data(self, folders: Sequence[str], name: str) -> Kind:
        above = self.directory.split("/") if self.directory else []
        keys = len(self.partition_keys)
        if list(folders[: len(above)]) != above:
            return Kind.UNKNOWN
        inner = folders[len(above) :]
        partition, rest = inner[:keys], inner[keys:]
        for folder, key in zip(partition, self.partition_keys, strict=False):
            if not folder.startswith(f"{key}="):
                return Kind.UNKNOWN
        if not rest:
            return Kind.OWN if name == _SUCCESS and partition else Kind.UNKNOWN
        if len(rest) != 1 or len(partition) != keys or _BUCKET.fullmatch(rest[0]) is None:
            return Kind.UNKNOWN
        if _TEMPORARY.fullmatch(name):
            return Kind.TEMPORARY
        return Kind.CANDIDATE if self._is_data(name) else Kind.UNKNOWN

    def _is_data(self, name: str) -> bool:
        """A data or changelog file, or one beside it such as its index."""
        if re.fullmatch(rf"index-{_UUID}-\d+(\..+)?", name):
            return True
        prefix = next((each for each in self.prefixes if name.startswith(each)), None)
        if prefix is None:
            return False
        return re.fullmatch(rf"(-?u-.+-s-\d+-w-)?{_UUID}-\d+(\.[A-Za-z0-9_-]+)+", name.removeprefix(prefix)) is not None


def prefixes_of(options: "Iterable[tuple[str | None, str | None]]") -> tuple[str, ...]:
    """All beginnings that data files can have, longest first.

    Args:
        options: Of each schema, ``data-file.prefix`` and ``changelog-file.prefix``, None where not set.
    """
    given = {prefix for pair in options for prefix in pair if prefix}
    return tuple(sorted(given | set(DEFAULT_PREFIXES), key=lambda prefix: (-len(prefix), prefix)))


def _of_metadata(pattern: "re.Pattern[str]", name: str) -> Kind:
    if pattern.fullmatch(name):
        return Kind.CANDIDATE
    return Kind.TEMPORARY if _TEMPORARY.fullmatch(name) else Kind.UNKNOWN


def _of_own(folders: Sequence[str], name: str) -> Kind | None:
    """Of a file in a folder of schemas, snapshots and so on; None in any other folder."""
    if len(folders) == 2 and folders[0] == "consumer" and folders[1].startswith(_JOB):
        return Kind.TEMPORARY if _TEMPORARY.fullmatch(name) else Kind.OWN
    if len(folders) != 1:
        return None
    folder = folders[0]
    if folder not in {*_NUMBERED, *_NAMED}:
        return None
    if _TEMPORARY.fullmatch(name):
        return Kind.TEMPORARY
    numbered = folder in _NUMBERED and re.fullmatch(rf"{_NUMBERED[folder]}-\d+", name)
    named = folder in _NAMED and name.startswith(_NAMED[folder])
    hint = folder in _HINTS and name in {"LATEST", "EARLIEST"}
    return Kind.OWN if numbered or named or hint else Kind.UNKNOWN
