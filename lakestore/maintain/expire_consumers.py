"""Consumers that have not moved for a long time are forgotten, so that they hold nothing back (``ConsumerManager``)."""

from lakestore.maintain.cleaning import CleaningReport, CleanParts, Deletion, FileRole


def expire_consumers(parts: CleanParts, retained_ms: int, *, dry_run: bool = False) -> CleaningReport:
    """Remove the consumers whose file was last written longer ago than that.

    One whose age the store does not tell stays.
    """
    before = parts.env.clock.now_ms() - retained_ms
    gone = [each for each in parts.consumers.list() if each.modified_ms is not None and each.modified_ms < before]
    if not dry_run:
        for consumer in gone:
            parts.consumers.delete(consumer.id)
    return CleaningReport(
        deletions=tuple(Deletion(parts.paths.consumer(each.id), FileRole.CONSUMER) for each in gone),
        dry_run=dry_run,
        consumers=tuple(each.id for each in gone),
    )
