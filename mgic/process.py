"""Processes that do not outlive whoever started them."""

import ctypes
import os
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(number: signal.Signals = signal.SIGKILL, parent: int | None = None) -> Callable[[], None]:
    """What a child calls before anything else, as `preexec_fn` or just after a fork.

    The kernel sends it `number` when the *thread* that started it ends: start it from a main
    thread. The library is looked up here, before the fork, where that is safe.

    Args:
        number: The signal.
        parent: Who started it; None: the process that calls this function now.
    """
    prctl = ctypes.CDLL(None).prctl
    expected = os.getpid() if parent is None else parent

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != expected:  # it died before we could ask
            os._exit(1)

    return ask
