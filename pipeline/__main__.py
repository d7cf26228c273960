"""`python -m pipeline` is `nmt`."""

import sys

from pipeline.cli import main

sys.exit(main())
