"""How much memory does a process need at its peak, beyond what it held before?"""

import ctypes
import gc
import re
from pathlib import Path

import torch

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # proc(5): the peak of the resident size becomes the present size
MMAP_THRESHOLD, AT_ONCE = -3, 2**16  # mallopt(3): blocks of so many bytes go back to the kernel when they are freed


class PeakMemory:
    """The peak since `begin`, in bytes: of the resident size on the CPU, of what tensors take on a GPU.

    Args:
        device: "cpu" or "cuda".
        own: On the CPU, what is needed and no more: without the pages of files, such as the libraries that a first
            pass loads (the kernel keeps no peak of the rest, which is taken to be the peak of all less the pages of
            files at the end), and with an allocator that from `begin` on keeps no large block for later. Whether it
            would keep one is chance, and passes are slower without.

    Attributes:
        baseline: What was held when this was made; None where the kernel does not tell.
    """

    def __init__(self, device: str, own: bool = False) -> None:
        self._cuda = device == "cuda"
        self._known, self._own = True, own
        if own:
            _trim()  # else the network would be built in what its parent has freed, and count for less
        self.baseline = torch.cuda.memory_allocated() if self._cuda else _resident("RssAnon" if own else "VmRSS")

    def begin(self) -> None:
        """Give back what nobody uses, and forget the peak so far."""
        gc.collect()
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()
            return
        _trim(at_once=self._own)
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


def _trim(at_once: bool = False) -> None:
    """Have the allocator give back what nobody uses, and `at_once` keep no large block from now on. glibc alone can."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        if at_once:
            library.mallopt(MMAP_THRESHOLD, AT_ONCE)
        library.malloc_trim(0)


def _resident(field: str) -> int | None:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None
