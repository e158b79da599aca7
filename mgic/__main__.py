"""`python -m mgic`."""

import sys

if not sys.flags.safe_path:  # the current directory stands first: what lies there is not the lab's
    sys.path.append(sys.path.pop(0))

from mgic.cli import main

main()
