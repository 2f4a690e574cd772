"""Keys by purpose for tests on servers of their own, which are not embedded: nothing derives keys for them."""

from domain.access.key_rings import KeyRing, text_of_rings
from streams.security.key_files import MADE

KEYS = text_of_rings({purpose: KeyRing((f"{number:064x}".encode(),)) for number, purpose in enumerate(sorted(MADE), 1)})
"""The text of QUANZU_KEYS: a key that nobody would make for each purpose. Public keys are derived from them."""
