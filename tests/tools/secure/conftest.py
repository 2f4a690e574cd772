"""One guarded installation for all tests here."""

from collections.abc import Iterator

import pytest

from streams.security.rights import Component
from tests.tools.secure.installation import Installation, installed


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Ends where the file that follows is another folder's: it takes some of a core even with nothing to do."""
    with installed(tmp_path_factory.mktemp("secure")) as made:
        created = made.quanzu(made.environment(Component.OPERATOR), "admin", "topics", "create")
        assert created.returncode == 0, created.stderr
        yield made
