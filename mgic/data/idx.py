"""The IDX format of the MNIST family: a header that tells the shape, then bytes."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from mgic.errors import DataMissing

UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in a file, compressed if its name ends in `.gz`; read-only.

    Raises:
        DataMissing: The file is no IDX file of bytes, or shorter or longer than its header says.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataMissing(f"{path} is damaged: {error}; delete it and fetch it again") from error
    if len(content) < 4 or content[:3] != bytes((0, 0, UNSIGNED_BYTE)):
        raise DataMissing(f"{path} is damaged: it does not start as an IDX file of bytes; delete it and fetch it again")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataMissing(f"{path} is damaged: it ends within its header; delete it and fetch it again")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected, found = math.prod(shape), len(content) - start
    if found != expected:
        raise DataMissing(f"{path} is damaged: {found} bytes instead of {expected}; delete it and fetch it again")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
