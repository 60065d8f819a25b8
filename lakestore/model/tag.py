"""A tag: a snapshot under a name, kept until the tag goes."""

from dataclasses import dataclass

from lakestore.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag file.

    Attributes:
        name: Its name, the end of the file's.
        snapshot: The snapshot as it was when it was tagged; its own file may be gone.
        create_time_ms: When the tag was made, by the wall clock of its maker: milliseconds since 1970-01-01 00:00 of
            that clock, whose time zone nobody wrote down. None unless a retention was given.
        time_retained_ms: Milliseconds after which the tag may go; None to stay for good.
    """

    name: str
    snapshot: Snapshot
    create_time_ms: int | None = None
    time_retained_ms: int | None = None

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "tag": self.name,
            "snapshot": self.snapshot.id,
            "schema": self.snapshot.schema_id,
            "commit_time_ms": self.snapshot.time_millis,
            "watermark": self.snapshot.watermark,
            "rows": self.snapshot.total_record_count,
            "create_time_ms": self.create_time_ms,
            "time_retained_ms": self.time_retained_ms,
        }
