"""What models cost, asked of the service bit by bit, and the tables of it."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard.tables.frames import link
from mgic.client import Client
from mgic.figures.words import series
from mgic.records import ConversionReport, Level, ModelInfo, Point, SweepRequest, named, repeated

COST = "cost"  # the experiment whose preview counts without running anything


def known_costs(infos: Sequence[ModelInfo]) -> dict[str, Point]:
    """What this session has heard of these models' costs at the input each is made for; of their present code."""
    known = _heard()
    return {info.name: known[key] for info in infos if (key := (info.name, info.fingerprint)) in known}


def ask_costs(api: Client, infos: Sequence[ModelInfo]) -> None:
    """Ask for those not known yet; the service answers after about a second with what it has counted by then."""
    known = _heard()
    if missing := {info.name: info for info in infos if (info.name, info.fingerprint) not in known}:
        counted = api.preview(SweepRequest(experiment=COST, axes={"model": list(missing)}))
        done = [(missing[str(point.requested["model"])], point) for point in counted.points if not point.pending]
        known |= {(info.name, info.fingerprint): point for info, point in done}


def _heard() -> dict[tuple[str, str], Point]:
    """By name and code of the model."""
    heard: dict[tuple[str, str], Point] = st.session_state.setdefault("model costs", {})
    return heard


def matching(infos: Sequence[ModelInfo], text: str, task: str | None) -> list[ModelInfo]:
    """Models for the task that have every word of the text in their name or summary."""
    words = text.lower().split()
    return [
        info
        for info in infos
        if task in (None, info.task) and all(word in f"{info.name} {info.summary}".lower() for word in words)
    ]


def models_table(infos: Sequence[ModelInfo], known: Mapping[str, Point]) -> pd.DataFrame:
    """A row a model; costs that are not known yet are empty."""
    costs = {name: point.cost for name, point in known.items() if point.cost}
    rows = [
        {
            "model": link("model", info.name),
            "task": info.task,
            "source": info.package,
            "parameters": costs[info.name].params if info.name in costs else None,
            "MACs": costs[info.name].macs if info.name in costs else None,
            "at": times(info.input_size),
            "summary": info.summary,
        }
        for info in infos
    ]
    table = pd.DataFrame(rows)
    return table.astype({"parameters": "Int64", "MACs": "Int64"})


def levels_table(levels: Sequence[Level]) -> pd.DataFrame:
    """A row a level of each block; MACs are of one sample."""
    rows = [
        {
            "block": v.block,
            "level": v.level,
            "channels": v.channels,
            "group size": v.group_size,
            "groups": v.groups,
            "R parameters": v.restrict_params,
            "R MACs": v.restrict_macs,
            "P parameters": v.prolong_params,
            "P MACs": v.prolong_macs,
            "block parameters": v.block_params,
            "block MACs": v.block_macs,
        }
        for v in levels
    ]
    return pd.DataFrame(rows)


def converted_table(report: ConversionReport) -> pd.DataFrame:
    """A row for equal blocks that follow each other; the costs are of one of them, and of one sample."""
    return pd.DataFrame(
        [
            {
                "block": named(equal),
                "kind": one.kind,
                "channels of the levels": series(one.widths),
                "in groups of": series(one.group_sizes) if len(one.widths) > 1 else "one level: as it was",
                "parameters": f"{one.params_before:,} → {one.params:,}",
                "MACs": f"{one.macs_before:,} → {one.macs:,}",
            }
            for equal in repeated(report.converted)
            for one in equal[:1]
        ]
    )


def left_table(report: ConversionReport) -> pd.DataFrame:
    """The same of the parts that stay as they were."""
    return pd.DataFrame(
        [
            {
                "part": named(equal),
                "kind": one.kind,
                "why": one.reason,
                "parameters": one.params,
                "MACs": one.macs,
            }
            for equal in repeated(report.left)
            for one in equal[:1]
        ]
    )


def times(size: Sequence[int]) -> str:
    """`3 x 224 x 224`; `2 numbers`."""
    return " x ".join(map(str, size)) if len(size) > 1 else f"{size[0]} numbers"
