"""What a table check found: one record per thing that is not as it should be."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    DAMAGE = "damage"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        severity: DAMAGE: rows are missing, doubled or unreadable, or will be. WARNING: worth knowing.
        rule: Short stable name of the rule that was broken.
        path: File concerned.
        message: What was expected and what is there.
        snapshot_id: Snapshot in which it was seen, None for the table itself.
    """

    severity: Severity
    rule: str
    path: str
    message: str
    snapshot_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The outcome of a table check.

    Attributes:
        findings: Everything found, in the order found.
        snapshots: How many snapshots were checked.
        files: How many distinct data files were looked at.
        rows: How many rows were decoded; 0 without ``deep``.
        newest_whole_snapshot: The newest snapshot without damage, None if there is none.
    """

    findings: tuple[Finding, ...]
    snapshots: int
    files: int
    rows: int
    newest_whole_snapshot: int | None

    @property
    def ok(self) -> bool:
        """Whether no damage was found."""
        return not any(finding.severity is Severity.DAMAGE for finding in self.findings)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "ok": self.ok,
            "snapshots": self.snapshots,
            "files": self.files,
            "rows": self.rows,
            "newest_whole_snapshot": self.newest_whole_snapshot,
            "findings": [asdict(finding) for finding in self.findings],
        }
