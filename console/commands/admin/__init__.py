"""`quanzu admin`: rare tasks to install, back up, restore or inspect a whole installation."""

import typer

from console.commands.admin import (
    access,
    backup,
    documents,
    drain,
    export,
    ledger,
    official,
    personal,
    sandbox,
    size,
    topics,
    vault,
)


def make_app(rebuild_partition: backup.RebuildPartition) -> typer.Typer:
    """Return the group of commands `quanzu admin`.

    `rebuild_partition`: the function of casework that rebuilds one partition, passed in because the console may not
    import casework.
    """
    app = typer.Typer(
        name="admin",
        no_args_is_help=True,
        help="Rare tasks: topics, access, backup, restore, drain, export, erase, ...",
    )
    store = backup.StoreCommands(rebuild_partition)
    for command in (
        backup.backup,
        store.restore,
        store.rebuild,
        drain.drain,
        export.export,
        ledger.ledger,
        official.official,
        personal.subject_access,
        personal.erase,
        personal.preserve,
        personal.rehash,
        size.size,
        documents.documents,
    ):
        app.command()(command)
    for group in (topics, access, sandbox, vault):
        app.add_typer(group.app)
    return app
