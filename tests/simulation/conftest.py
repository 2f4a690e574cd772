"""A schedule in which all went well, for the tests of the laws."""

import pytest

from tests.simulation.laws import handmade
from tests.simulation.laws.observed import Observed


@pytest.fixture(scope="session")
def good() -> Observed:
    """Nothing changes it: each test changes a copy."""
    return handmade.observed()
