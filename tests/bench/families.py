"""Of which families does `mgic.convert` find the blocks? The smallest member of each module of timm and torchvision.

Example: python -m tests.bench.families docs/conversion.md

writes the table of that page anew, below the line that says so. Every member is built on the meta device to find the
smallest, which takes some minutes.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from mgic.conversion import convert
from mgic.errors import BadConfig, MgicError
from mgic.measure.cost import count_cost
from mgic.models import create
from mgic.models.whole_packages import Entry, timm_entries, torchvision_entries
from mgic.records import ConversionReport

GROUP_SIZE = 16
COARSEST_SIZES = (16, 24, 48)  # the first with which something is converted
MARK = "<!-- Below: written by `python -m tests.bench.families docs/conversion.md` -->"
NO_BLOCK = ("changes ", "gives ", "turns ")  # how the reason begins why something is no block at all
FOREIGN = (MgicError, RuntimeError, ValueError, IndexError, AssertionError, TypeError, ZeroDivisionError)


def families() -> dict[str, dict[str, Entry]]:
    """Package and module -> the names in it; timm's own test networks are nobody's smallest."""
    found: dict[str, dict[str, Entry]] = defaultdict(dict)
    for package, entries in (("timm", timm_entries()), ("torchvision", torchvision_entries())):
        for name, entry in entries.items():
            if not name.startswith("test_"):
                found[f"{package}/{entry.module}"][f"{package}/{name}"] = entry
    return found


def built(name: str) -> nn.Module | None:
    try:
        with torch.device("meta"):
            return create(name, num_classes=10)
    except FOREIGN:
        return None


def smallest(names: dict[str, Entry]) -> str | None:
    """Of those that can be built on the meta device, the one with the fewest parameters."""
    sizes = {}
    for name in names:
        network = built(name)
        if network is not None:
            sizes[name] = sum(p.numel() for p in network.parameters())
    return min(sizes, key=lambda name: sizes[name], default=None)


def reasons(report: ConversionReport) -> str:
    """Why blocks were left, the most frequent first."""
    found = Counter(f"{part.kind}: {part.reason}" for part in report.left if not part.reason.startswith(NO_BLOCK))
    return "; ".join(f"{count}x {why}" for why, count in found.most_common(2))


def row(family: str, names: dict[str, Entry]) -> tuple[str, ...]:
    name = smallest(names)
    network = None if name is None else built(name)
    if name is None or network is None:
        return (family, "", "not", "cannot be built on the meta device", "", "", "")
    size = names[name].input_size
    made = first_converted(network, size)
    if isinstance(made, str):
        return (family, name, "not", made, "", "", "")
    new, report = made
    before, after = count_cost(network, size), count_cost(new, size)
    why = reasons(report)
    kinds = ", ".join(sorted({block.kind for block in report.converted}))
    return (
        family,
        name,
        "partly" if why else "converted",
        why or "",
        f"{len(report.converted)} {kinds}" + (f", s_c {report.coarsest_size}" if report.coarsest_size > 16 else ""),
        f"{before.params / 1e6:.2f} -> {after.params / 1e6:.2f}",
        f"{before.macs / 1e6:.0f} -> {after.macs / 1e6:.0f}",
    )


def first_converted(network: nn.Module, size: tuple[int, ...]) -> tuple[nn.Module, ConversionReport] | str:
    """Or why nothing is, with the first of the sizes."""
    why = ""
    for coarsest_size in COARSEST_SIZES:
        try:
            with torch.device("meta"):
                return convert(network, torch.empty(1, *size), group_size=GROUP_SIZE, coarsest_size=coarsest_size)
        except BadConfig as error:
            why = why or why_nothing(str(error))
    return why


def why_nothing(message: str) -> str:
    """The first reason that is about a block, if there is one, else that there is none."""
    told = message.partition(": ")[2].split("; ")
    blocks = [why for why in told if not any(f") {start}" in why for start in NO_BLOCK)]
    return blocks[0] if blocks and not blocks[0].startswith("and ") else "no part keeps its channels"


def table() -> Iterator[str]:
    rows = []
    for family, names in sorted(families().items()):
        rows.append(row(family, names))
        print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    counts = Counter(r[2] for r in rows)
    yield f"timm {version('timm')}, torchvision {version('torchvision')}, {datetime.now(UTC):%Y-%m-%d}; "
    yield f"group_size={GROUP_SIZE}, coarsest_size={COARSEST_SIZES[0]} if no other is said; of {len(rows)} families "
    yield f"{counts['converted']} converted, {counts['partly']} partly, {counts['not']} not.\n\n"
    yield "| family | its smallest | | blocks converted | parameters, M | MACs, M | blocks left, and why |\n"
    yield "|---|---|---|---|---|---|---|\n"
    for family, name, verdict, why, blocks, params, macs in rows:
        said = why.replace("|", "\\|").replace("\n", " ")
        yield f"| {family} | {name.partition('/')[2]} | {verdict} | {blocks} | {params} | {macs} | {said} |\n"


def main() -> None:
    torch.set_num_threads(1)
    page = Path(sys.argv[1])
    head, mark, _ = page.read_text().partition(MARK)
    if not mark:
        raise SystemExit(f"{page} has no line {MARK}")
    text = "".join(table())
    page.write_text(f"{head}{MARK}\n\n{text}")


if __name__ == "__main__":
    main()
