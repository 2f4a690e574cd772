"""`quanzu admin access keys`: the keys by purpose, and their rotation while the installation runs."""

import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import load_settings, open_installation, out
from domain.access.key_rings import (
    KeyPurpose,
    KeyRing,
    key_id,
    most_keys,
    noted_id,
    with_accepted,
    with_in_force,
    without_key,
)
from streams.runtime.settings import SettingsError

app = typer.Typer(name="keys", no_args_is_help=True, help="Keys by purpose, and their rotation.")

Folder = Annotated[Path, typer.Argument(help="The folder with the secrets")]
Purpose = Annotated[KeyPurpose, typer.Argument(help="What the key is used for")]
Chinese = Annotated[bool, typer.Option("--sm", help="For the Chinese algorithms: HMAC-SM3, SM4-GCM")]
Named = Annotated[str, typer.Argument(help="The key's id, as `list` shows it")]


@app.command("list")
def keys_list(folder: Folder) -> None:
    """Show the ids of each purpose's keys. The first is in force, the others are accepted; those of `intake-removed`
    were removed or lost. Records and logs name the key pairs of intake by their ids in `intake-public`.
    """
    from streams.security.key_files import listed_keys

    for purpose, ring in listed_keys(folder).items():
        _show(purpose, ring)


@app.command("rotate")
def keys_rotate(
    folder: Folder,
    purpose: Purpose,
    seconds: Annotated[float, typer.Option("--wait", min=1, help="Seconds until all processes accept it")] = 30,
    sm: Chinese = False,
) -> None:
    """Make a new key that is accepted, wait `--wait` seconds, and put it in force. Whether all processes accept it by
    then is not checked. The former key stays accepted. Prints the ids of the purpose's keys, the one in force first.

    For processes that read the files of this folder. Where the files are copied, use `accept`, copy them, then `use`.
    Refused with exit code 1 if there are five keys already, of the audit a hundred: `remove` one first. If it is
    interrupted while it waits, the new key is accepted, but not in force: continue with `use`.
    """
    from streams.security.key_files import change_ring, random_key

    key = random_key(sm=sm)
    change_ring(folder, purpose, lambda ring: with_accepted(ring, key, most_keys(purpose)))
    time.sleep(seconds)
    _show(purpose, change_ring(folder, purpose, lambda ring: with_in_force(ring, key_id(key))))


@app.command("accept")
def keys_accept(folder: Folder, purpose: Purpose, sm: Chinese = False) -> None:
    """Make a new key that is accepted, but not in force. Refused with exit code 1 if there are five keys, of the audit
    a hundred.
    """
    from streams.security.key_files import change_ring, random_key

    key = random_key(sm=sm)
    _show(purpose, change_ring(folder, purpose, lambda ring: with_accepted(ring, key, most_keys(purpose))))


@app.command("use")
def keys_use(folder: Folder, purpose: Purpose, key: Named) -> None:
    """Put a key in force, which is then used for everything new. Do so only once all processes accept it."""
    from streams.security.key_files import change_ring

    _show(purpose, change_ring(folder, purpose, lambda ring: with_in_force(ring, key)))


@app.command("remove")
def keys_remove(folder: Folder, purpose: Purpose, key: Named) -> None:
    """Remove a former key. Data that only this key opens is lost: run `renew` first. Keep former keys of the audit.

    Refused with exit code 1 if the key is in force, or a key in the vault needs it. Older copies of the vault need it
    too: keep it until they are overwritten.
    """
    from streams.security.key_files import change_ring

    if purpose is KeyPurpose.VAULT and (needing := asyncio.run(_needing(key))):
        raise SettingsError(
            f"{needing:,} owners in the vault have a key that only {key} opens. Run `renew` again first"
        )
    _show(purpose, change_ring(folder, purpose, lambda ring: without_key(ring, key)))


@app.command("lost")
def keys_lost(
    folder: Folder, pair: Annotated[str, typer.Argument(help="The key pair's id, as workers log it")]
) -> None:
    """Note that nobody has the private key of a pair of intake any more. What was encrypted for it becomes dead letters
    instead of holding partitions. If the key is found after all, the dead letters can be sent again.
    """
    from streams.security.key_files import note_lost

    _show(KeyPurpose.INTAKE_REMOVED, note_lost(folder, pair))


@app.command("hsm")
def keys_hsm() -> None:
    """Make the key in the HSM that QUANZU_HSM names. Does nothing if there is one."""
    from streams.security.hsm import EXAMPLE, VARIABLE, configured_hsm

    hsm = configured_hsm()
    if hsm is None:
        raise SettingsError(f"{VARIABLE} is not set: name the key to make, such as {EXAMPLE}")
    made = hsm.make()
    out.print(f"{hsm.label}: {'made' if made else 'is there already'}", markup=False, highlight=False)


@app.command("wrap")
def keys_wrap(folder: Folder) -> None:
    """Encrypt the files with keys by the HSM that QUANZU_HSM names. Files that are encrypted stay as they are."""
    from streams.security.key_files import wrap_files

    for name in wrap_files(folder):
        out.print(name, markup=False, highlight=False)


@app.command("renew")
def keys_renew() -> None:
    """Encrypt all stored secrets again under the keys in force. Needs the operator's keys in QUANZU_KEYS. Prints as
    JSON how many of each kind were.
    """
    from streams.operations.key_renewal import renew_secrets

    async def run() -> None:
        async with open_installation() as line:
            found = await renew_secrets(line)
        out.print_json(data=found._asdict())

    asyncio.run(run())


async def _needing(key: str) -> int:
    """Return how many owners in the vault need a key of the purpose `vault`."""
    from streams.security.vault import Vault

    async with aclosing(Vault(load_settings())) as vault:
        return await vault.needing(key)


def _show(purpose: KeyPurpose, ring: KeyRing) -> None:
    ids = map(noted_id if purpose is KeyPurpose.INTAKE_REMOVED else key_id, ring.keys)
    out.print(f"{purpose}: {' '.join(ids)}", markup=False, highlight=False, soft_wrap=True)
