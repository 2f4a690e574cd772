"""Real servers for the tests, started once; each test has a consumer group and topics of its own."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from streams import topics
from streams.embedded import Embedded
from streams.settings import Settings

pytest_plugins = ["tests.servers.fixtures"]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An embedded broker and Redis for the whole session."""
    with Embedded(tmp_path_factory.mktemp("quanzu")) as embedded:
        yield embedded


@pytest.fixture
def settings(servers: Embedded) -> Settings:
    """Settings on the session's servers, with a consumer group of the test's own."""
    return servers.settings(Settings(app_id=f"test-{uuid.uuid4().hex[:12]}"))


@pytest.fixture
def new_topic(settings: Settings) -> Callable[[], str]:
    """Creates an empty topic with the family's partitions and returns its name."""

    def create() -> str:
        topic = topics.Topic(f"test-{uuid.uuid4().hex[:12]}", "any", family=True)
        topics.create(settings, [topic])
        return topic.name

    return create
