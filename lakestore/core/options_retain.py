"""The options of expiry as one pydantic model, and the records that the rest of LakeStore sees of them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from lakestore.core.options_model import Flag, Int, Millis, Names
from lakestore.core.time_pattern import TimePattern
from lakestore.errors import InvalidInputError
from lakestore.model.retain import HOUR_MS, UNLIMITED, VALUES_TIME, Keep, PartitionExpiryOptions, RetainOptions

Count = Annotated[Int, Field(ge=1)]


def _formatter(text: str) -> str:
    try:
        TimePattern.of(text)
    except InvalidInputError as error:
        raise ValueError(error.message) from error
    return text


class RetainTexts(BaseModel):
    """Every honoured option of expiry. Fields are named as the option, `.` and `-` as `_`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    snapshot_min: Count = Field(10, alias="snapshot.num-retained.min")
    snapshot_max: Count = Field(UNLIMITED, alias="snapshot.num-retained.max")
    snapshot_time: Millis = Field(HOUR_MS, alias="snapshot.time-retained")
    limit: Count = Field(50, alias="snapshot.expire.limit")
    changelog_min: Count | None = Field(None, alias="changelog.num-retained.min")
    changelog_max: Count | None = Field(None, alias="changelog.num-retained.max")
    changelog_time: Millis | None = Field(None, alias="changelog.time-retained")
    consumer_changelog_only: Flag = Field(default=False, alias="consumer.changelog-only")
    clean_directories: Flag = Field(default=False, alias="snapshot.clean-empty-directories")
    consumer_time: Millis | None = Field(None, alias="consumer.expiration-time")
    expire_tags: Flag = Field(default=True, alias="tag.time-expire-enabled")
    partition_time: Millis | None = Field(None, alias="partition.expiration-time")
    partition_strategy: Annotated[str, BeforeValidator(lambda text: text.strip().lower())] = Field(
        VALUES_TIME, alias="partition.expiration-strategy"
    )
    partition_check: Millis = Field(HOUR_MS, alias="partition.expiration-check-interval")
    partition_most: Count = Field(100, alias="partition.expiration-max-num")
    partition_batch: Count | None = Field(None, alias="partition.expiration-batch-size")
    on_batch_commit: Flag = Field(default=False, alias="end-input.check-partition-expire")
    formatter: Annotated[str, AfterValidator(_formatter)] | None = Field(None, alias="partition.timestamp-formatter")
    pattern: str | None = Field(None, alias="partition.timestamp-pattern", min_length=1)
    done_actions: Names = Field(("success-file",), alias="partition.mark-done-action")

    def retain(self) -> RetainOptions:
        """Retention of snapshots, changelogs and consumers."""
        snapshots = Keep(
            at_least=self.snapshot_min, at_most=self.snapshot_max, time_ms=self.snapshot_time, limit=self.limit
        )
        return RetainOptions(
            snapshots=snapshots,
            changelog_at_least=self.changelog_min,
            changelog_at_most=self.changelog_max,
            changelog_ms=self.changelog_time,
            consumer_changelog_only=self.consumer_changelog_only,
            clean_directories=self.clean_directories,
            consumer_ms=self.consumer_time,
            expire_tags=self.expire_tags,
        )

    def partitions(self) -> PartitionExpiryOptions:
        """Expiry of partitions, and what marks one as done."""
        return PartitionExpiryOptions(
            time_ms=self.partition_time,
            strategy=self.partition_strategy,
            check_ms=self.partition_check,
            most=self.partition_most,
            batch=self.partition_batch,
            on_batch_commit=self.on_batch_commit,
            formatter=self.formatter,
            pattern=self.pattern,
            done_actions=self.done_actions,
        )
