"""Which process runs which file, and when: what takes longest begins first, and few processes start brokers in Java.

pytest-xdist gives a file to one process, as its tests share servers, and begins with the file that has most tests.
A file of few tests that takes minutes would then begin last, and one process would work alone at the end.
"""

import os

import pytest
from xdist.scheduler import LoadFileScheduling

SECONDS = {
    "tests/browser/test_every_page.py": 600,
    "tests/simulators/lab/test_lab_equals_the_line.py": 260,
    "tests/console/accounts/test_access.py": 200,
    "tests/tools/chaos/test_chaos.py": 200,
    "tests/browser/test_ten_thousand.py": 150,
    "tests/end_to_end/test_forgotten.py": 150,
    "tests/test_traces_and_logs.py": 100,
    "tests/tools/grafana/test_proof.py": 100,
    "tests/tools/prometheus/test_alarm_end_to_end.py": 100,
    "tests/tools/secure/test_the_line.py": 90,
    "tests/tools/servers/test_mirror.py": 80,
    "tests/streams/state/test_older_redis.py": 60,
    "tests/simulators/fit/test_within.py": 60,
    "tests/simulators/fit/test_fit_shipped.py": 60,
    "tests/deploying/test_start_scripts.py": 60,
    "tests/tools/secure/test_refusals.py": 50,
    "tests/end_to_end/faults/test_bad_policy.py": 50,
    "tests/console/field/test_tasks.py": 50,
    "tests/console/accounts/test_security.py": 50,
    "tests/tools/servers/test_real_servers.py": 40,
    "tests/console/accounts/test_sign_in.py": 40,
    "tests/simulators/test_calibration.py": 40,
    "tests/console/cases/test_trust.py": 40,
    "tests/end_to_end/warnings/test_trusted_contact.py": 40,
    "tests/console/cases/test_case_acts.py": 40,
    "tests/streams/screening/test_fan_outs.py": 35,
    "tests/streams/state/test_epoch_on_kafka.py": 35,
    "tests/commands/test_command_line.py": 30,
    "tests/console/cases/test_case_page.py": 30,
    "tests/console/centre/test_telephone.py": 30,
    "tests/streams/screening/test_evidence_restored.py": 30,
    "tests/console/cases/test_release_desk.py": 30,
    "tests/console/suspects/test_payers_page.py": 30,
    "tests/commands/test_command_console.py": 30,
    "tests/simulators/lab/test_lab_laboratory.py": 30,
}
"""Of a core, on a busy machine; only what takes half a minute. Which is above which matters, the figures do not."""
BROKERS = "the three brokers"  # start once in a process that needs them: one process does, and one for chaos
ON_BROKERS = frozenset(
    {
        "tests/tools/servers/test_real_servers.py",
        "tests/streams/dead_letters/test_letters_on_kafka.py",
        "tests/streams/channels/test_webhooks_on_kafka.py",
        "tests/streams/messaging/test_settings_that_delete.py",
        "tests/streams/messaging/test_offsets_on_kafka.py",
        "tests/streams/messaging/test_retention.py",
        "tests/streams/state/test_epoch_on_kafka.py",
        "tests/streams/security/test_audit_on_kafka.py",
    }
)
GUARDED = "tests/tools/secure/"  # its files share a broker in Java, too


class ByFile(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """A file to a process, and all files on the three brokers to one, and those on the guarded broker."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid.partition("::")[0])


def scope_of(file: str) -> str:
    """Return the name of what runs in one process: the file, or the files that share brokers together."""
    if file in ON_BROKERS:
        return BROKERS
    return GUARDED if file.startswith(GUARDED) else file


def seconds_of(scope: str) -> float:
    """Return how long it takes, 0 where that is little."""
    return sum((seconds for file, seconds in SECONDS.items() if scope_of(file) == scope), 0)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have xdist take the files in the order in which they were collected."""
    config.option.loadscopereorder = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Return the scheduler: a hook of xdist's."""
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest first, in the processes of xdist; elsewhere the order is the folders'."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: -seconds_of(scope_of(item.nodeid.partition("::")[0])))
