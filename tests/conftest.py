"""Real servers for the tests, started once; each test has a consumer group and topics of its own."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from streams.messaging import topics
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings

pytest_plugins = [
    "tests.tools.servers.fixtures",
    "tests.tools.servers.lighter_clients",
    "tests.tools.runs.time_limit",
    "tests.tools.runs.leftovers",
    "tests.tools.runs.run_limit",
    "tests.tools.runs.order",
    "tests.tools.runs.collected",
]

# How long an example takes says something of the machine, which others use too, and nothing of the law.
hypothesis_settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("shared")


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
