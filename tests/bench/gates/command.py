"""`python -m tests.bench gates ...`"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench import gates
from tests.bench.gates import levels, record, resample, simulation

LONGEST_S = 6 * 3600.0


def main(arguments: Sequence[str]) -> None:
    match list(arguments):
        case ["levels"]:
            levels.main()
        case ["simulate"]:
            print(simulation.page())
        case ["record", folder, *seconds]:
            record.record(Path(folder), float(seconds[0]) if seconds else LONGEST_S)
            print(record.summary(Path(folder)))
        case ["resample", folder]:
            print(resample.page(Path(folder)))
        case _:
            sys.exit(gates.__doc__)
