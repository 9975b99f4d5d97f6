"""`python -m leftright`."""

import sys

from leftright.cli import main

if __name__ == "__main__":
    sys.exit(main())
