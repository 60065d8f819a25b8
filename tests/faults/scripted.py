"""A store that runs a piece of test at one chosen call of a commit."""

from lakestore.errors import (
    StorageError,
)
from lakestore.testing.recording import RecordingStore
from tests.commits import World

BUSY = StorageError("the connection was reset", transient=True)


class ScriptedStore(RecordingStore):
    """Runs a piece of test at the snapshot put number ``at`` (from 1), instead of it, and at reads after it."""

    def __init__(self, inner, *, at=1, instead=None, after=None, reads_fail=0):
        super().__init__(inner)
        self.puts = 0
        self.at = at
        self.instead = instead
        self.after = after
        self.reads_fail = reads_fail

    def put_if_absent(self, path, data):
        self.puts += 1
        if self.puts == self.at and self.instead is not None:
            self.log.append(("put_if_absent", path))
            self.instead(lambda: self._inner.put_if_absent(path, data))
            return
        super().put_if_absent(path, data)
        if self.puts == self.at and self.after is not None:
            self.after()

    def get_or_none(self, path):
        if self.puts >= self.at and self.reads_fail and "/snapshot/snapshot-" in path:
            self.reads_fail -= 1
            raise BUSY
        return super().get_or_none(path)


def a_world(*names):
    world = World()
    for name in names or ("old",):
        world.committer().commit(world.append(name))
    return world


def commit_through(world, store, name="mine", **request):
    return world.committer("mine", store=store).commit(world.append(name, **request))
