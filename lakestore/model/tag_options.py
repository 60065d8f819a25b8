"""Options of tags as typed records."""

from dataclasses import dataclass
from enum import StrEnum

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class TagCreation(StrEnum):
    """Option ``tag.automatic-creation``: which clock makes tags. The values are format."""

    NONE = "none"
    PROCESS_TIME = "process-time"
    WATERMARK = "watermark"
    BATCH = "batch"


class TagPeriod(StrEnum):
    """Option ``tag.creation-period``. The values are format."""

    DAILY = "daily"
    HOURLY = "hourly"
    TWO_HOURS = "two-hours"


class TagFormatter(StrEnum):
    """Option ``tag.period-formatter``: how automatic tags are named. The values are format."""

    WITH_DASHES = "with_dashes"
    WITHOUT_DASHES = "without_dashes"
    WITHOUT_DASHES_AND_SPACES = "without_dashes_and_spaces"


PERIOD_MS = {TagPeriod.DAILY: DAY_MS, TagPeriod.HOURLY: HOUR_MS, TagPeriod.TWO_HOURS: 2 * HOUR_MS}


@dataclass(frozen=True, slots=True, kw_only=True)
class TagOptions:
    """When tags are made and when they go; times in milliseconds.

    Attributes:
        creation: Option ``tag.automatic-creation``.
        period: Option ``tag.creation-period``.
        period_duration_ms: Option ``tag.creation-period-duration``; counts before ``period``.
        delay_ms: Option ``tag.creation-delay``: how long after the end of a period its tag is made.
        formatter: Option ``tag.period-formatter``.
        completion: Option ``tag.automatic-completion``: periods that were missed get their tags, one a commit.
        batch_name: Option ``tag.batch.customized-name``.
        num_retained_max: Option ``tag.num-retained-max``: automatic tags kept.
        default_time_retained_ms: Option ``tag.default-time-retained``: of tags made without one.
        process_zone: Option ``sink.process-time-zone``; None for the machine's own.
        watermark_zone: Option ``sink.watermark-time-zone``.
    """

    creation: TagCreation = TagCreation.NONE
    period: TagPeriod = TagPeriod.DAILY
    period_duration_ms: int | None = None
    delay_ms: int = 0
    formatter: TagFormatter = TagFormatter.WITH_DASHES
    completion: bool = False
    batch_name: str | None = None
    num_retained_max: int | None = None
    default_time_retained_ms: int | None = None
    process_zone: str | None = None
    watermark_zone: str = "UTC"

    @property
    def period_ms(self) -> int:
        """Length of a period."""
        return PERIOD_MS[self.period] if self.period_duration_ms is None else self.period_duration_ms
