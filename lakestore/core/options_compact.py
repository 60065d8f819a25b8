"""The options of compaction as one pydantic model, and the record that the rest of LakeStore sees of them.

Several defaults hang on another option, as in Paimon's ``CoreOptions``: the number of levels and the interval of
gentle lookups hang on the compaction trigger.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from lakestore.core.options_model import Flag, Int, Millis, Names
from lakestore.core.options_values import parse_fraction, parse_size
from lakestore.model.options import MIB, CompactOptions, LookupMode, OffPeak

OFF = -1
"""The hour that switches off-peak hours off."""


def _hour(hour: int) -> int:
    if hour != OFF and not 0 <= hour <= 23:
        raise ValueError("expected an hour from 0 to 23, or -1 for none")
    return hour


def _levels(count: int) -> int:
    if count < 2:
        raise ValueError("expected at least 2: level 0 and one to compact into")
    return count


Count = Annotated[Int, Field(ge=1)]
Percent = Annotated[Int, Field(ge=0)]
Hour = Annotated[Int, AfterValidator(_hour)]
Ratio = Annotated[float, BeforeValidator(parse_fraction), Field(ge=0)]
AnySize = Annotated[int, BeforeValidator(parse_size)]


class CompactTexts(BaseModel):
    """Every honoured option of compaction. Fields are named as the option, `.` and `-` as `_`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    trigger: Count = Field(5, alias="num-sorted-run.compaction-trigger")
    stop_trigger: Int | None = Field(None, alias="num-sorted-run.stop-trigger")
    num_levels: Annotated[Int, AfterValidator(_levels)] | None = Field(None, alias="num-levels")
    max_amplification: Percent = Field(200, alias="compaction.max-size-amplification-percent")
    size_ratio: Percent = Field(1, alias="compaction.size-ratio")
    offpeak_start: Hour = Field(OFF, alias="compaction.offpeak.start.hour")
    offpeak_end: Hour = Field(OFF, alias="compaction.offpeak.end.hour")
    offpeak_ratio: Percent = Field(0, alias="compaction.offpeak-ratio")
    optimization_interval: Millis | None = Field(None, alias="compaction.optimization-interval")
    total_size_threshold: AnySize | None = Field(None, alias="compaction.total-size-threshold")
    incremental_size_threshold: AnySize | None = Field(None, alias="compaction.incremental-size-threshold")
    force_up_level_0: Flag = Field(default=False, alias="compaction.force-up-level-0")
    force_rewrite_all_files: Flag = Field(default=False, alias="compaction.force-rewrite-all-files")
    small_file_ratio: Ratio = Field(0.7, alias="compaction.small-file-ratio")
    force_compact: Flag = Field(default=False, alias="commit.force-compact")
    full_delta_commits: Int | None = Field(None, alias="full-compaction.delta-commits")
    lookup_compact: Annotated[LookupMode, BeforeValidator(lambda text: text.strip().lower())] = Field(
        LookupMode.RADICAL, alias="lookup-compact"
    )
    lookup_max_interval: Int | None = Field(None, alias="lookup-compact.max-interval")
    lookup_wait: Flag = Field(default=True, alias="lookup-wait")
    force_lookup: Flag = Field(default=False, alias="force-lookup")
    row_deduplicate: Flag = Field(default=False, alias="changelog-producer.row-deduplicate")
    row_deduplicate_ignore: Names = Field((), alias="changelog-producer.row-deduplicate-ignore-fields")
    skip_expired_partitions: Flag = Field(default=False, alias="compaction.skip-expired-partitions")
    expire_time: Millis | None = Field(None, alias="record-level.expire-time")
    time_field: Annotated[str, Field(min_length=1)] | None = Field(None, alias="record-level.time-field")
    recent: AnySize = Field(256 * MIB, alias="lookup.cache-max-memory-size")

    def record(self) -> CompactOptions:
        """The options with the defaults that hang on others filled in."""
        interval = 2 * self.trigger if self.lookup_max_interval is None else self.lookup_max_interval
        return CompactOptions(
            trigger=self.trigger,
            stop_trigger=max(self.trigger, self.trigger + 3 if self.stop_trigger is None else self.stop_trigger),
            num_levels=self.trigger + 1 if self.num_levels is None else self.num_levels,
            max_amplification=self.max_amplification,
            size_ratio=self.size_ratio,
            off_peak=self._off_peak(),
            optimization_interval_ms=self.optimization_interval,
            total_size_threshold=self.total_size_threshold,
            incremental_size_threshold=self.incremental_size_threshold,
            force_up_level0=self.force_up_level_0,
            force_rewrite_all=self.force_rewrite_all_files,
            small_file_ratio=self.small_file_ratio,
            force_compact=self.force_compact,
            full_delta_commits=self.full_delta_commits if (self.full_delta_commits or 0) > 0 else None,
            lookup_mode=self.lookup_compact,
            lookup_max_interval=max(self.trigger, interval),
            lookup_wait=self.lookup_wait,
            force_lookup=self.force_lookup,
            row_deduplicate=self.row_deduplicate,
            row_deduplicate_ignore=self.row_deduplicate_ignore,
            skip_expired_partitions=self.skip_expired_partitions,
            expire_ms=self.expire_time,
            expire_field=self.time_field,
            recent_bytes=self.recent,
        )

    def _off_peak(self) -> OffPeak | None:
        """None unless both hours are set and differ, as Paimon takes them."""
        start, end = self.offpeak_start, self.offpeak_end
        if OFF in {start, end} or start == end:
            return None
        return OffPeak(start_hour=start, end_hour=end, ratio=self.offpeak_ratio)
