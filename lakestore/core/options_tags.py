"""The options of tags as one pydantic model, and the record that the rest of LakeStore sees of them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from lakestore.core.options_model import Flag, Int, Millis
from lakestore.model.tag_options import TagCreation, TagFormatter, TagOptions, TagPeriod


def _positive(milliseconds: int) -> int:
    if milliseconds <= 0:
        raise ValueError("expected a duration above zero")
    return milliseconds


class TagTexts(BaseModel):
    """Every honoured option of tags. Fields are named as the option, `.` and `-` as `_`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    automatic_creation: Annotated[TagCreation, BeforeValidator(str.lower)] = Field(
        TagCreation.NONE, alias="tag.automatic-creation"
    )
    creation_period: Annotated[TagPeriod, BeforeValidator(str.lower)] = Field(
        TagPeriod.DAILY, alias="tag.creation-period"
    )
    creation_period_duration: Annotated[Millis, AfterValidator(_positive)] | None = Field(
        None, alias="tag.creation-period-duration"
    )
    creation_delay: Millis = Field(0, alias="tag.creation-delay")
    period_formatter: Annotated[TagFormatter, BeforeValidator(str.lower)] = Field(
        TagFormatter.WITH_DASHES, alias="tag.period-formatter"
    )
    automatic_completion: Flag = Field(default=False, alias="tag.automatic-completion")
    batch_customized_name: str | None = Field(None, alias="tag.batch.customized-name")
    num_retained_max: Annotated[Int, Field(ge=1)] | None = Field(None, alias="tag.num-retained-max")
    default_time_retained: Millis | None = Field(None, alias="tag.default-time-retained")
    process_time_zone: str | None = Field(None, alias="sink.process-time-zone")
    watermark_time_zone: Annotated[str, Field(min_length=1)] = Field("UTC", alias="sink.watermark-time-zone")

    def record(self) -> TagOptions:
        """What these options come to."""
        return TagOptions(
            creation=self.automatic_creation,
            period=self.creation_period,
            period_duration_ms=self.creation_period_duration,
            delay_ms=self.creation_delay,
            formatter=self.period_formatter,
            completion=self.automatic_completion,
            batch_name=self.batch_customized_name,
            num_retained_max=self.num_retained_max,
            default_time_retained_ms=self.default_time_retained,
            process_zone=self.process_time_zone,
            watermark_zone=self.watermark_time_zone,
        )
