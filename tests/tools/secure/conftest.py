"""One guarded installation for all tests here."""

from collections.abc import Iterator

import pytest

from streams.security.rights import Component
from tests.tools.secure.installation import Installation, installed


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("secure")) as made:
        created = made.quanzu(made.environment(Component.OPERATOR), "admin", "topics", "create")
        assert created.returncode == 0, created.stderr
        yield made
