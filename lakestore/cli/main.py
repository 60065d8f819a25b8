"""``lakestore``: the command line's door. Parses, calls one API function, renders; errors become exit codes here."""

import sys
import traceback
from collections.abc import Sequence

import typer
from rich.markup import escape

from lakestore import __version__
from lakestore.cli import (
    alter,
    cleaning,
    cluster,
    compact,
    consumer,
    demo,
    index,
    ref,
    ref_branch,
    ref_tag,
    simulate,
    stream,
    table,
    update,
)
from lakestore.cli.render import stderr
from lakestore.errors import LakestoreError

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""Base of all errors of usage. Typer carries its own copy of click, so it is found through what Typer exports."""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="lakestore",
    help="Apache Paimon tables from the shell: create, alter, write, read, inspect and check them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(ref.snapshot_app, name="snapshot")
app.add_typer(ref_tag.tag_app, name="tag")
app.add_typer(ref_branch.branch_app, name="branch")
app.add_typer(consumer.consumer_app, name="consumer")
app.add_typer(index.index_app, name="index")
table.register(app)
alter.register(app)
cleaning.register(app, ref.snapshot_app)
cluster.register(app)
compact.register(app)
simulate.register(app)
demo.register(app)
stream.register(app)
update.register(app)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"lakestore {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    """Apache Paimon tables from the shell."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused or failed, 2 usage, 3 damage found."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        outcome = app(words, prog_name="lakestore", standalone_mode=False)
    except _UsageError as error:
        getattr(error, "show", print)(file=sys.stderr)
        return EXIT_USAGE
    except (typer.Abort, KeyboardInterrupt):
        stderr().print("interrupted; what was committed before stays, nothing else is visible")
        return EXIT_INTERRUPTED
    except LakestoreError as error:
        if debug:
            traceback.print_exc()
        stderr().print(f"error: {escape(error.message)} [bold]\\[{error.kind}][/bold]")
        return EXIT_FAILED
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_DONE
    return outcome if isinstance(outcome, int) else EXIT_DONE


def run() -> None:
    """Entry point of the console script."""
    sys.exit(main())
