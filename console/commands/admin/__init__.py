"""`quanzu admin`: what is run rarely, to install, save, restore or inspect a whole installation."""

import typer

from console.commands.admin import (
    access,
    backup,
    documents,
    drain,
    export,
    ledger,
    personal,
    sandbox,
    size,
    topics,
    vault,
)

app = typer.Typer(
    name="admin", no_args_is_help=True, help="Rare tasks: topics, access, backup, restore, drain, export, erase, ..."
)
for command in (
    backup.backup,
    backup.restore,
    backup.rebuild,
    drain.drain,
    export.export,
    ledger.ledger,
    personal.subject_access,
    personal.erase,
    personal.rehash,
    size.size,
    documents.documents,
):
    app.command()(command)
for group in (topics, access, sandbox, vault):
    app.add_typer(group.app)
