"""Processes that do not outlive whoever started them."""

import ctypes
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """What a child calls before anything else, as `preexec_fn` or just after a fork.

    The kernel sends it `number` when the *thread* that started it ends: start it from a main
    thread. The library is looked up here, before the fork, where that is safe.
    """
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, int(number))
