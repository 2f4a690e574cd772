"""`quanzu admin access`: secrets, and ACLs with the least rights for each component in Kafka and Redis."""

from pathlib import Path
from typing import Annotated

import typer

from console.commands.admin import keys
from console.commands.admin.push_key import push_key
from console.commands.common import load_settings, out

app = typer.Typer(name="access", no_args_is_help=True, help="Secrets and least-privilege ACLs for Kafka and Redis.")

Secrets = Annotated[Path, typer.Argument(help="The folder with the secrets")]


@app.command("secrets")
def access_secrets(folder: Secrets) -> None:
    """Make the missing secrets of an installation, each in a file that only its owner can read. Existing ones stay.

    Each bank and payment institution of QUANZU_INSTITUTIONS that has no key in receipts-secret gets one there.
    """
    from streams.channels.settings import load
    from streams.security.secrets import make

    made = make(folder, load().known_institutions().by_code)
    out.print(f"made in {folder}: {', '.join(made)}" if made else "all secrets are there", markup=False, soft_wrap=True)


@app.command("key")
def access_key(source: Annotated[str, typer.Argument(help="The feed's name: the source of its signals")]) -> None:
    """Make a key for a feed, and print it and its entry for QUANZU_API_KEYS. The key is not stored: pass it on at once.

    Refused with exit code 1 if the source's name is invalid.
    """
    from streams.intake.settings import make_key

    key, entry = make_key(source)
    typer.echo(f"the key, for the feed:    {key}\nfor QUANZU_API_KEYS:      {entry}")


@app.command("redis")
def access_redis(folder: Secrets) -> None:
    """Print the ACL file of Redis. It contains hashes of the passwords in the secrets folder.

    Refused with exit code 1 if a password is missing.
    """
    from streams.security.acls import redis
    from streams.security.secrets import of_servers, passwords

    known = {str(name): word for name, word in passwords(folder, "redis").items()}
    typer.echo(redis(known | dict(of_servers(folder))), nl=False)


@app.command("vault")
def access_vault(folder: Secrets) -> None:
    """Print the ACL file of the vault, the Redis that stores people's encryption keys.

    It contains hashes of the passwords in the secrets folder. Refused with exit code 1 if a password is missing.
    """
    from streams.security.acls import vault
    from streams.security.secrets import passwords

    typer.echo(vault({str(name): word for name, word in passwords(folder, "redis").items()}), nl=False)


@app.command("kafka")
def access_kafka(
    app_id: Annotated[str | None, typer.Option(help="The consumer group's name; by default QUANZU_APP_ID")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Print the commands that remove what Kafka grants beyond that, instead")
    ] = False,
) -> None:
    """Print the commands that grant each component's user its rights in Kafka.

    With --check, ask the Kafka of QUANZU_KAFKA instead. The exit code is then 1 if it grants Quanzu's users, or
    everybody, a right that no component needs, such as one that only an earlier version needed.
    """
    from streams.security.acls import kafka, surplus_grants

    settings = load_settings()
    if app_id is not None:
        settings = settings.model_copy(update={"app_id": app_id})
    if not check:
        typer.echo(kafka(settings.app_id), nl=False)
        return
    surplus = surplus_grants(settings)
    for line in surplus:
        typer.echo(line)
    if surplus:
        typer.echo(f"{len(surplus)} grants that no component needs; the commands above remove them", err=True)
        raise typer.Exit(1)
    out.print("Kafka grants Quanzu's users nothing but what they need")


@app.command("grant")
def access_grant(folder: Secrets) -> None:
    """Create the components' users in Kafka and grant their rights. QUANZU_KAFKA_USER must be a super user.

    Their passwords are those of the secrets folder. Refused with exit code 1 if a password is missing. Safe to repeat.
    """
    from streams.security.acls import grant
    from streams.security.secrets import passwords

    settings = load_settings()
    grant(settings, passwords(folder, "kafka"))
    out.print(f"users and rights are made at {settings.kafka}", markup=False, soft_wrap=True)


app.command()(push_key)
app.add_typer(keys.app)
