"""The program `nmt`, also `python -m pipeline`."""

import os
import sys
import tempfile

from pipeline import failures
from pipeline.ending import end_by_signals
from serving.local.processors import limit_tensorflow


def main() -> int:
    """Runs the command line, or names the missing package if only the client is installed."""
    if os.path.expanduser("~") == "~":
        # A user without a name, as in many containers. TFX fails without a home, and Keras makes
        # a folder called ~.
        os.environ["HOME"] = tempfile.gettempdir()
    limit_tensorflow()
    end_by_signals()
    try:
        from pipeline.cli import main as run
    except ModuleNotFoundError as error:
        status, sentence = failures.describe(error)
        sys.stderr.write(f"nmt: {sentence}\n")
        return status
    return run()


if __name__ == "__main__":
    sys.exit(main())
