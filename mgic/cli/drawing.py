"""What `mgic figure` does once Plotly is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from mgic.cli.files import write_bytes, write_text
from mgic.client import Client
from mgic.errors import BadConfig
from mgic.figures.export import FORMATS, caption, file_of, latex_figure
from mgic.figures.plot import Plot
from mgic.figures.provenance import provenance, runs_of
from mgic.figures.scenes import SCENES
from mgic.figures.style import DARK, LIGHT
from mgic.figures.switches import read


def kind_of(out: Path | None) -> str:
    """By the end of its name."""
    if out is None:
        raise BadConfig("--out: a file is wanted, such as fig.pdf; --list names the plots")
    kind = out.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise BadConfig(f"--out: {out} ends in none of .{', .'.join(FORMATS)}")
    return kind


@dataclass(frozen=True)
class Page:
    """A page by its address, with what its plots are made of."""

    address: str
    provenance: str
    plots: Sequence[Plot]

    def chosen(self, name: str | None) -> Sequence[Plot]:
        """All, or the one of this name."""
        found = [one for one in self.plots if name in (None, one.name)]
        if self.plots and not found:
            known = ", ".join(one.name for one in self.plots)
            raise BadConfig(f"--plot: this page has no plot {str(name)[:60]!r}; it has {known}")
        return found

    def write(self, plot: Plot, path: Path, kind: str, width_mm: int, dark: bool, title: bool) -> None:
        """The file, and its caption beside it."""
        write_bytes("--out", path, file_of(plot, kind, width_mm, DARK if dark else LIGHT, title))
        if kind == "pdf":
            text = latex_figure(plot, path.name, width_mm, self.provenance, self.address)
            write_text("--out", path.with_suffix(".tex"), text)
        else:
            write_text("--out", path.with_suffix(".txt"), caption(plot, self.provenance, self.address) + "\n")


def open_page(client: Client, address: str) -> Page:
    """Load what an address names.

    Raises:
        BadConfig: It is no address of a page with plots, or it has words in it that the page does not know.
    """
    parts = urlsplit(address)
    name = parts.path.rstrip("/").rpartition("/")[2]
    if name not in SCENES:
        known = ", ".join(SCENES)
        raise BadConfig(f"{address[:120]!r}: the page {name[:60]!r} has no plots that are drawn here; pages: {known}")
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    scene = SCENES[name]
    data = scene.load(client, asked)
    switches = scene.switches(data)
    own = (*scene.PARAMETERS, *(one.name for one in switches))
    faults = [f"{word[:60]} in the address: this page has {', '.join(own)}." for word in asked if word not in own]
    wrong = {one.name: one.fault(asked[one.name]) for one in switches if one.name in asked}
    faults += [f"{word}={asked[word][:60]} in the address: {fault}" for word, fault in wrong.items() if fault]
    if faults:
        raise BadConfig(" ".join(faults))
    return Page(address, provenance(runs_of(data)), scene.plots(data, read(switches, asked)[0]))
