"""Write the reference pages that are made from the code: docs/cli.md, docs/errors.md, docs/options.md.

python tools/docs.py            write them
python tools/docs.py --check    fail if a page on disk differs
"""

import ast
import inspect
import sys
from pathlib import Path
from typing import Any

import typer.main

from lakestore import errors
from lakestore.cli.main import app
from lakestore.core.options import describe_options

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
NOTE = "<!-- Made by tools/docs.py from the code. Do not edit. -->\n"


def cli_page() -> str:
    """Every command with its help text, arguments and options."""
    lines = [
        NOTE,
        "# Command line\n",
        (
            "Data goes to stdout, notes and errors to stderr. Exit code 0: done; 1: refused or failed; 2: wrong usage; "
            "3: `check` found damage. `--debug` anywhere shows the traceback of an error.\n"
        ),
        (
            "TABLE is a path or URL of a table folder (`wh/shop.db/orders`, `s3://bucket/wh/shop.db/orders`), or "
            "`db.table` together with `--warehouse`.\n"
        ),
    ]
    root = typer.main.get_command(app)
    lines += _commands(root, "lakestore")
    return "\n".join(lines)


def _commands(group: Any, prefix: str) -> list[str]:
    lines: list[str] = []
    for name, command in sorted(getattr(group, "commands", {}).items()):
        full = f"{prefix} {name}"
        if getattr(command, "commands", None):
            lines += _commands(command, full)
            continue
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        words = " ".join(_metavar(p) for p in arguments)
        lines.append(f"## `{full} {words}`\n")
        text = inspect.cleandoc(command.help or "").replace("\b", "")
        summary, _, example = text.partition("Example: ")
        lines.append(f"{summary.strip()}\n")
        if example:
            lines.append(f"```\n{example.strip()}\n```\n")
        lines.append("| | |\n|---|---|")
        lines += [f"| `{_metavar(p)}` | {p.help} |" for p in arguments]
        lines += [f"| `{', '.join([*p.opts, *p.secondary_opts])}` | {p.help} |" for p in options]
        lines.append("")
    return lines


def _joined(*words: str) -> str:
    return " ".join(words)


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def errors_page() -> str:
    """The error classes with their docstrings, and the kinds."""
    lines = [
        NOTE,
        "# Errors\n",
        _joined(
            "Everything that LakeStore raises on purpose is a `LakestoreError`. Classes go by what you do about them;",
            "`kind` is a stable code for programs; the message says what happened, where, what was expected and what",
            "to do.\n",
        ),
        "| class | also a | what it means |\n|---|---|---|",
    ]
    for cls in _classes(errors.LakestoreError):
        bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not errors.LakestoreError)
        summary = " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())
        lines.append(f"| `{cls.__name__}` | {bases or '—'} | {summary} |")
    lines.append("\n## Kinds\n")
    lines.append(", ".join(f"`{kind}`" for kind in errors.ErrorKind) + "\n")
    return "\n".join(lines)


def _classes(root: type) -> list[type]:
    tree = ast.parse(inspect.getsource(errors))
    order = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    return sorted(root.__subclasses__(), key=lambda cls: order.index(cls.__name__))


def options_page() -> str:
    """Every Paimon option and what becomes of it."""
    lines = [
        NOTE,
        "# Options\n",
        _joined(
            "Every table option of Paimon and what LakeStore makes of it. **honoured**: it does what Paimon's",
            "documentation says. **inert**: it is kept in the schema and changes nothing that LakeStore does, for the",
            "reason given. **refused**: a table that sets it is refused, for writing or for reading, because ignoring",
            "it would give wrong rows.\n",
        ),
        _joined(
            "Options that no version of Paimon knows are kept untouched; one that looks like a misspelling of a known",
            "option is refused when a table is created.\n",
        ),
        "| option | | default | what it does here |\n|---|---|---|---|",
    ]
    lines += [f"| `{row.key}` | {row.status} | {row.default or '—'} | {row.text} |" for row in describe_options()]
    return "\n".join(lines) + "\n"


PAGES = {"cli.md": cli_page, "errors.md": errors_page, "options.md": options_page}


def main() -> int:
    """Write or compare the pages; returns the exit code."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, make in PAGES.items():
        path = DOCS / name
        text = make()
        if check:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    if stale:
        sys.stderr.write(f"docs out of date: {', '.join(stale)}; run python tools/docs.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
