"""How many instructions did this thread execute, by the processor's own counter?"""

import ctypes
import os
import struct

SYSCALL = {"x86_64": 298, "aarch64": 241}  # perf_event_open
SIZE = 128  # bytes of struct perf_event_attr; what the kernel does not know must be 0
HARDWARE, INSTRUCTIONS = 0, 1  # PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS
NO_KERNEL, NO_HYPERVISOR = 1 << 5, 1 << 6  # bits of the flags
FLAGS_AT = 40  # of the flags in the struct


class Instructions:
    """Counts those of user space from now on; `why_not` says why the kernel does not let it, or is empty.

    perf_event_open(2). A virtual machine often has no such counter (ENOENT); `perf_event_paranoid` above 2 forbids it
    (EACCES), and so do most containers (EPERM).
    """

    def __init__(self) -> None:
        self._file, self.why_not = -1, ""
        number = SYSCALL.get(os.uname().machine)
        if number is None:
            self.why_not = f"the counter is not read on {os.uname().machine}"
            return
        attributes = bytearray(SIZE)
        struct.pack_into("=IIQ", attributes, 0, HARDWARE, SIZE, INSTRUCTIONS)
        struct.pack_into("=Q", attributes, FLAGS_AT, NO_KERNEL | NO_HYPERVISOR)
        buffer = (ctypes.c_char * SIZE).from_buffer(attributes)
        this_thread, any_core, no_group = 0, -1, -1
        self._file = ctypes.CDLL(None, use_errno=True).syscall(number, buffer, this_thread, any_core, no_group, 0)
        if self._file < 0:
            self.why_not = f"the kernel gives no instruction counter ({os.strerror(ctypes.get_errno())})"

    def read(self) -> int | None:
        """So far; None where there is no counter."""
        return int.from_bytes(os.read(self._file, 8), "little") if self._file >= 0 else None
