"""Intake as `quanzu intake serve` runs it, which waits 3 s for a body, not 30: many bodies here never come."""

import sys

from quanzu import main
from streams.runtime import serving

if __name__ == "__main__":
    serving.BODY_SECONDS = 3.0
    sys.argv = ["quanzu", "intake", "serve"]
    main()
