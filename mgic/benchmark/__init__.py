"""Runs the recipes `benchmark*` on this machine, goes on where it was cut, and writes what came out as tables."""
