"""`python -m tests.gpu [--device cuda] [--out FOLDER]`: Markdown on stdout, gpu.md and gpu.json in the folder."""

import argparse
import json
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

import torch

from tests.gpu.checks import CHECKS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--out", type=Path, default=Path("gpu"))
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        sys.exit("torch sees no CUDA device here; --device cpu tries the same checks on the processor")
    card = torch.cuda.get_device_name() if given.device == "cuda" else "the processor"
    rows = []
    for check in CHECKS:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mgic-gpu-") as folder:
            try:
                passed, told = True, check(given.device, Path(folder))
            except Exception as error:  # noqa: BLE001 - the next check is of something else
                traceback.print_exc()
                passed, told = False, f"{type(error).__name__}: {error}"
        rows.append({"check": check.__name__, "passed": passed, "told": told, "seconds": time.monotonic() - start})
        print(f"{'passed' if passed else 'FAILED'}  {check.__name__}: {told}", file=sys.stderr, flush=True)
    made = {"card": card, "torch": torch.__version__, "cuda": torch.version.cuda, "at": f"{datetime.now(UTC):%Y-%m-%d}"}
    lines = [
        f"Checks on {card}, torch {made['torch']}, {made['at']}.",
        "",
        "| check | | what was seen |",
        "|---|---|---|",
    ]
    lines += [
        f"| {r['check'].replace('_', ' ')} | {'passed' if r['passed'] else 'FAILED'} | {r['told']} |" for r in rows
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "gpu.md").write_text("\n".join(lines) + "\n")
    (given.out / "gpu.json").write_text(json.dumps({**made, "checks": rows}, indent=1) + "\n")
    print("\n".join(lines))
    sys.exit(not all(row["passed"] for row in rows))


if __name__ == "__main__":
    main()
