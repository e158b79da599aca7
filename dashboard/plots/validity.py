"""How far the numbers of a page can be trusted, above everything else."""

from collections.abc import Sequence

import streamlit as st

from dashboard.words import literal
from mgic.figures.validity import MEANING, WEAK, control_of, why, worst
from mgic.records import Run

SHOWN = 2  # reasons; the others are folded


def show_validity(runs: Sequence[Run]) -> None:
    """A banner for times of grade C or D: what that means, its reasons, and the control. Nothing for better ones."""
    grades = {clock: worst(runs, column) for clock, column in (("Wall time", "grade"), ("CPU time", "cpu_grade"))}
    weak = {clock: grade for clock, grade in grades.items() if grade in WEAK}
    if not weak:
        return
    told = "; ".join(f"{clock} has grade {grade}: {MEANING[grade]}" for clock, grade in weak.items())
    reasons = why(runs)
    lines = [f"**{literal(told)}.**", *(f"- {literal(reason)}" for reason in reasons[:SHOWN])]
    lines += [f"- and {len(reasons) - SHOWN} reasons more, on the pages of the runs"] if len(reasons) > SHOWN else []
    controls = list(dict.fromkeys(filter(None, map(control_of, runs))))
    lines += (
        [
            "",
            literal(
                f"Control, the first network timed twice: its two times have the ratio {'; '.join(controls[:SHOWN])}."
            ),
        ]
        if controls
        else []
    )
    (st.error if "D" in weak.values() else st.warning)("\n".join(lines), icon=":material/warning:")
