"""A worker as `quanzu worker` runs it, with what is wrong with it as arguments; on SIGUSR1 it writes down its stacks.

python -m tests.tools.chaos.worker [raising | flagged | bound | a mutation] ...
"""

import faulthandler
import signal
import sys

from quanzu import main
from tests.tools.chaos import raising
from tests.tools.chaos.judging import bound, flagged
from tests.tools.chaos.mutations import MUTATIONS

WRONGS = {raising.NAME: raising.patch, flagged.NAME: flagged.patch, bound.NAME: bound.patch, **MUTATIONS}

if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    for wrong in sys.argv[1:]:
        WRONGS[wrong]()
    sys.argv = ["quanzu", "worker"]
    main()
