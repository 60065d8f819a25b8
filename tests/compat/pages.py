"""The pages on other engines are executed: their Python blocks here, their SQL blocks by the engine."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page, here="/path/to/"):
    """A page's blocks as pairs of language and text, with ``here`` in the place of ``/path/to/``."""
    text = (DOCS / page).read_text(encoding="utf-8").replace("/path/to/", here)
    return re.findall(r"^```(python|sql)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def statements(block):
    """The statements of a block of SQL."""
    return [each.strip().removesuffix(";") for each in block.split(";\n") if each.strip()]


def run_page(page, names, sql, here="/path/to/"):
    """Run a page's blocks in order.

    Args:
        page: File name.
        names: What Python blocks see and define.
        sql: Takes each SQL statement.
        here: What takes the place of ``/path/to/``.
    """
    for language, block in blocks(page, here):
        if language == "python":
            exec(compile(block, page, "exec"), names)
            continue
        for statement in statements(block):
            sql(statement)
