"""`python -m mgic`."""

from mgic.cli import main

main()
