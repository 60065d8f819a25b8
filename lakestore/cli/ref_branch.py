"""``lakestore branch``: lines of snapshots of their own over shared files."""

import sys
from typing import Annotated

import typer

from lakestore.cli.render import print_json, print_listing, print_table
from lakestore.cli.table import AsJson, StorageOptions, TableName, Warehouse
from lakestore.cli.target import find_table

branch_app = typer.Typer(
    help="Make and end branches. TABLE$branch_NAME names one for every other command.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the branch.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]


@branch_app.command("create")
def create_branch(
    table: TableName,
    name: Name,
    tag: Annotated[str | None, typer.Option("--tag", help="Start from this tag.")] = None,
    snapshot: Annotated[int | None, typer.Option("--snapshot", help="Start from this snapshot.")] = None,
    exists_ok: Annotated[bool, typer.Option("--exists-ok", help="Leave a branch of that name as it is.")] = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Make a branch: empty, or from a tag or a snapshot. No data is copied.

    Example: lakestore branch create wh/shop.db/orders dev --tag v1
    """
    branches = find_table(table, warehouse=warehouse, options=storage_option or []).branches
    made = branches.create(name, tag=tag, snapshot=snapshot, exists_ok=exists_ok)
    if as_json:
        print_json(made.to_dict())
    else:
        start = "" if made.tag is None else f" from snapshot {made.snapshot_id}, kept by tag {made.tag}"
        sys.stdout.write(f"branch {made.name}{start}\n")


@branch_app.command("list")
def list_branches(
    table: TableName, warehouse: Warehouse = None, storage_option: StorageOptions = None, as_json: AsJson = False
) -> None:
    """List the branches.

    Example: lakestore branch list wh/shop.db/orders
    """
    rows = find_table(table, warehouse=warehouse, options=storage_option or []).branches.list()
    print_listing(rows, as_json=as_json)


@branch_app.command("rename")
def rename_branch(
    table: TableName,
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="The name it gets.")],
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Give a branch another name. Nobody may write to it meanwhile.

    Example: lakestore branch rename wh/shop.db/orders dev next
    """
    find_table(table, warehouse=warehouse, options=storage_option or []).branches.rename(name, new_name)
    if as_json:
        print_json({"branch": new_name, "was": name})
    else:
        sys.stdout.write(f"branch {name} is {new_name} now\n")


@branch_app.command("delete")
def delete_branch(
    table: TableName,
    name: Name,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Remove a branch. Data that only it used goes when orphans are cleaned.

    Example: lakestore branch delete wh/shop.db/orders dev --dry-run
    """
    branches = find_table(table, warehouse=warehouse, options=storage_option or []).branches
    report = branches.delete(name, dry_run=dry_run)
    if as_json:
        print_json(report.to_dict())
        return
    print_table(["path"], [[path] for path in report.files])
    sys.stdout.write(f"{'would remove' if dry_run else 'removed'} branch {name}: {len(report.files)} files\n")


@branch_app.command("fast-forward")
def fast_forward(
    table: TableName,
    name: Name,
    discard: Annotated[
        bool, typer.Option("--discard", help="Drop what the table committed since the branch was made.")
    ] = False,
    dry_run: DryRun = False,
    warehouse: Warehouse = None,
    storage_option: StorageOptions = None,
    as_json: AsJson = False,
) -> None:
    """Let the table become what a branch is.

    Example: lakestore branch fast-forward wh/shop.db/orders dev --dry-run
    """
    found = find_table(table, warehouse=warehouse, options=storage_option or [])
    report = found.branches.fast_forward(name, discard=discard, dry_run=dry_run)
    if as_json:
        print_json(report.to_dict())
        return
    words = {key: value for key, value in report.to_dict().items() if key not in {"dry_run", "branch"}}
    print_table(["what", "which"], [[key, value] for key, value in words.items()])
    sys.stdout.write("nothing was changed\n" if dry_run else f"{found.name} is what branch {name} is\n")
