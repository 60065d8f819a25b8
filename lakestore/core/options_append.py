"""The options of append tables as one pydantic model."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lakestore.core.curve import curve_for
from lakestore.core.options_model import Flag, Int, Millis
from lakestore.errors import InvalidInputError
from lakestore.model.append import AppendOptions, ClusterOptions

Count = Annotated[Int, Field(ge=1)]


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _strategy(text: str) -> str | None:
    try:
        curve_for(text.strip(), 1)
    except InvalidInputError as error:
        raise ValueError(error.message) from error
    word = text.strip().lower()
    return None if word == "auto" else word


class AppendTexts(BaseModel):
    """Every honoured option of append tables. Fields are named as the option, `.` and `-` as `_`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    compaction_min_file_num: Count = Field(5, alias="compaction.min.file-num")
    compaction_file_num_limit: Count = Field(100_000, alias="compaction.file-num-limit")
    precommit_compact: Flag = Field(default=False, alias="precommit-compact")
    bucket_append_ordered: Flag = Field(default=True, alias="bucket-append-ordered")
    row_tracking_enabled: Flag = Field(default=False, alias="row-tracking.enabled")
    columns: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field((), alias="clustering.columns")
    strategy: Annotated[str | None, BeforeValidator(_strategy)] = Field(None, alias="clustering.strategy")
    incremental: Flag = Field(default=False, alias="clustering.incremental")
    optimize_write: Flag = Field(default=False, alias="clustering.incremental.optimize-write")
    idle: Millis | None = Field(None, alias="clustering.history-partition.idle-to-full-sort")
    history_limit: Annotated[Int, Field(ge=0)] = Field(5, alias="clustering.history-partition.limit")

    def record(self) -> AppendOptions:
        """The options as the rest of LakeStore sees them."""
        return AppendOptions(
            min_files=self.compaction_min_file_num,
            file_limit=self.compaction_file_num_limit,
            precommit=self.precommit_compact,
            ordered=self.bucket_append_ordered,
            row_ids=self.row_tracking_enabled,
            cluster=ClusterOptions(
                columns=self.columns,
                strategy=self.strategy,
                incremental=self.incremental,
                optimize_write=self.optimize_write,
                idle_ms=self.idle,
                history_limit=self.history_limit,
            ),
        )
