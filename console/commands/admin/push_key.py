"""`quanzu admin access push-key`: a new key of the push messages to officers' telephones."""

import typer

from console.commands.common import out


def push_key(
    public: bool = typer.Option(False, "--public", help="Print the public key of QUANZU_PUSH_KEY, and make no new one"),
) -> None:
    """Print a new private key for QUANZU_PUSH_KEY (VAPID).

    All processes need the same one. Under a new key, officers turn the alerts on again on their telephones.
    """
    from streams.channels.push_encryption import new_vapid_key
    from streams.channels.push_encryption import public as public_of
    from streams.channels.settings import load as load_channels
    from streams.runtime.settings import SettingsError
    from streams.runtime.settings import load as load_settings

    if not public:
        out.print(new_vapid_key(), highlight=False, soft_wrap=True)
        return
    key = load_channels().vapid(load_settings())
    if key is None:
        raise SettingsError("QUANZU_PUSH_KEY is not set: make one with `quanzu admin access push-key`")
    out.print(public_of(key), highlight=False, soft_wrap=True)
