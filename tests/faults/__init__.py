"""Faults that are made on purpose, F1 to F27 of docs/faults.md, and the one checker of what must hold after them."""
