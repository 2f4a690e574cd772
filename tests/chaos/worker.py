"""A worker as `quanzu worker` runs it, with what is wrong with it as arguments; on SIGUSR1 it writes down its stacks.

python -m tests.chaos.worker [raising | a mutation] ...
"""

import faulthandler
import signal
import sys

from quanzu import main
from tests.chaos import raising
from tests.chaos.mutations import MUTATIONS

WRONGS = {raising.NAME: raising.patch, **MUTATIONS}

if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    for wrong in sys.argv[1:]:
        WRONGS[wrong]()
    sys.argv = ["quanzu", "worker"]
    main()
