"""What only a GPU can show, as one command that needs the core alone: `python -m tests.gpu`, or `make gpu`.

The same checks run on the CPU, where `make test-all` has them.
"""
