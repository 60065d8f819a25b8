"""The options of streaming reads as one pydantic model, and the record that the rest of LakeStore sees of them.

Where a stream begins (``scan.mode`` and what goes with it) is not among them: ``core.stream_start`` reads that when a
stream is opened, so that a table whose mode no stream can begin with is still a table.
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lakestore.core.options_model import Flag, Millis
from lakestore.core.options_values import parse_long
from lakestore.model.stream import ConsumerMode, StreamOptions


class StreamTexts(BaseModel):
    """Every honoured option of streaming reads. Fields are named as the option, `.` and `-` as `_`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    consumer: str | None = Field(None, alias="consumer-id", min_length=1)
    ignore_progress: Flag = Field(default=False, alias="consumer.ignore-progress")
    consumer_mode: Annotated[ConsumerMode, BeforeValidator(lambda text: text.strip().lower())] = Field(
        ConsumerMode.EXACTLY_ONCE, alias="consumer.mode"
    )
    bounded_watermark: Annotated[int, BeforeValidator(parse_long)] | None = Field(None, alias="scan.bounded.watermark")
    overwrites: Flag = Field(default=False, alias="streaming-read-overwrite")
    append_overwrites: Flag = Field(default=False, alias="streaming-read-append-overwrite")
    delay_ms: Millis = Field(0, alias="streaming.read.snapshot.delay")
    poll_ms: Millis | None = Field(None, alias="continuous.discovery-interval")

    def record(self) -> StreamOptions:
        """The record."""
        return StreamOptions(**{name: getattr(self, name) for name in type(self).model_fields})
