"""The `mgic` command: one file a theme, all of them light; torch is loaded by the commands that compute."""

import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated

import typer

from mgic import __version__
from mgic.cli import (
    baselines,
    benchmark,
    comparisons,
    demo,
    doctor,
    edit,
    figure,
    follow,
    gate,
    keys,
    local,
    reference,
    replay,
    results,
    submit,
    table,
    up,
)
from mgic.cli.loading import remember_imports
from mgic.cli.terminal import IMPORT, Code, Commands, put, tell_of_output
from mgic.cli.then import WithThen

IMPORT_HELP = "Import this plug-in too; may be repeated, and stand behind the command. MGIC_IMPORT=a,b does the same."

app = typer.Typer(
    cls=Commands,
    help="Multigrid-in-channels networks: what they cost, how well they do, and the service that finds out.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: the same on a terminal, in a log and under NO_COLOR
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        put(__version__)
        raise typer.Exit


@app.callback()
def options(
    _shown: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    imports: Annotated[list[str] | None, typer.Option(IMPORT, metavar="MODULE", help=IMPORT_HELP)] = None,
) -> None:
    """Multigrid-in-channels networks: what they cost, how well they do, and the service that finds out."""
    remember_imports(imports or [])


COMMANDS: dict[str, Callable[..., None]] = {
    "list": local.list_,
    "cost": local.cost,
    "reference": reference.reference,
    "run": local.run,
    "up": up.up,
    "doctor": doctor.doctor,
    "submit": submit.submit,
    "status": follow.status,
    "logs": follow.logs,
    "cancel": follow.cancel,
    "retry": follow.retry,
    "runs": edit.runs,
    "edit": edit.edit,
    "delete": edit.delete,
    "demo": demo.demo,
    "table": table.table,
    "export": results.export,
    "figure": figure.figure,
    "baseline": baselines.baseline,
    "gate": gate.gate,
    "comparisons": comparisons.comparisons,
    "replay": replay.replay,
    "benchmark": benchmark.benchmark,
    "audit": keys.audit,
}
for name, command in COMMANDS.items():
    app.command(name, cls=WithThen if command is submit.submit else None)(command)
app.add_typer(local.data, name="data")
app.add_typer(keys.key, name="key")


def main() -> None:
    """The console script. Exit codes: see `mgic.cli.terminal.Code`."""
    os.environ["PYTHONSAFEPATH"] = "1"  # whatever is started takes nothing in the current directory for the lab's
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal's encoding lacks is no reason to end
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="mgic")
    except OSError as error:  # of what is written before a command begins: help, and what is wrong with its options
        sys.exit(tell_of_output(error))
    except Exception:  # noqa: BLE001 - left alone it would end with 1, which says that a run failed
        traceback.print_exc()
        sys.exit(Code.BUG)
