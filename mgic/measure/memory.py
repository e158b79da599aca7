"""How much memory does a process need at its peak, beyond what it held before?"""

import ctypes
import gc
import re
from pathlib import Path

import torch

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # proc(5): the peak of the resident size becomes the present size


class PeakMemory:
    """The peak since `begin`, in bytes: of the resident size on the CPU, of what tensors take on a GPU.

    Args:
        device: "cpu" or "cuda".
        own: On the CPU, without the pages of files, such as the libraries that a first pass loads: the kernel keeps
            no peak of the rest, which is taken to be the peak of all less the pages of files at the end.

    Attributes:
        baseline: What was held when this was made; None where the kernel does not tell.
    """

    def __init__(self, device: str, own: bool = False) -> None:
        self._cuda = device == "cuda"
        self._known, self._own = True, own
        self.baseline = torch.cuda.memory_allocated() if self._cuda else _resident("RssAnon" if own else "VmRSS")

    def begin(self) -> None:
        """Give back what nobody uses, and forget the peak so far."""
        gc.collect()
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()
            return
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
        if trim is not None:
            trim(0)
        try:
            CLEAR_REFS.write_text(RESET_PEAK)
        except OSError:  # another kernel, or a sandbox that forbids it
            self._known = False

    def peak(self) -> int | None:
        """None where the peak cannot be told from that of what was before."""
        if self._cuda:
            return torch.cuda.max_memory_allocated()
        peak, files = _resident("VmHWM"), _resident("RssFile") if self._own else 0
        return peak - files if self._known and peak is not None and files is not None else None


def _resident(field: str) -> int | None:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None
