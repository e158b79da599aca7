"""Figures of latency runs: speed-up against MACs, where time goes, how passes spread, and the grade where one looks."""

import pytest

from mgic.figures import control, passes, realised, whereabouts
from mgic.figures.scenes import latency
from mgic.figures.scenes.latency import Data
from mgic.figures.style import DARK, LIGHT
from mgic.figures.switches import read
from mgic.figures.timing import Case, apart, names_of, read_passes, shared, times
from mgic.figures.validity import PALE, control_of, why
from mgic.figures.views import plots_of_run
from mgic.records import NetworkProfile, Profile, TimedPart
from tests.dashboard.test_latency_page import INFO, ROWS, row, timed

SAMPLES = "place,role,model,round,number,latency_ms,cpu_ms\n" + "".join(
    f"{place},{role},{model},{turn},{number},{ms + turn},{ms / 2}\n"
    for place, role, model, ms in ((0, "measured", "a", 4.0), (1, "measured", "b", 8.0), (0, "control", "a", 5.0))
    for turn in (0, 1)
    for number in range(3)
)


def part(block: str, name: str, level: int | None, ms: float, share: float, macs_share: float) -> TimedPart:
    return TimedPart(
        block=block,
        part=name,
        level=level,
        kind="X",
        ms=ms,
        share=share,
        macs=round(1000 * macs_share),
        macs_share=macs_share,
    )


def network(place: int, model: str, parts: list[TimedPart], **changes) -> NetworkProfile:
    given = {"repeats": 70, "plain_ms": 9.0, "parts_ms": 10.0, "overhead": 0.11, "stationary": True, "grade": "B"}
    return NetworkProfile(place=place, model=model, parts=tuple(parts), reasons=("B: slower",), **given | changes)


HIERARCHY = network(
    1,
    "b",
    [
        part("", "other", None, 0.5, 0.05, 0),
        part("stem", "stem", None, 0.5, 0.05, 0.1),
        part("stages.0", "other", None, 1, 0.1, 0),
        part("stages.0", "restrict", 0, 1, 0.1, 0.1),
        part("stages.0", "coarse", 1, 2, 0.2, 0.2),
        part("stages.0", "relax", 0, 3, 0.3, 0.5),
        part("stages.1", "relax", 0, 1, 0.1, 0.05),
        part("head", "head", None, 1, 0.1, 0.05),
    ],
)
FLAT = network(0, "a", [part("", "other", None, 1, 0.1, 0), part("layer1", "block", None, 9, 0.9, 1)])


def test_each_network_has_its_milliseconds():
    first, *others = times([case()], "wall")
    assert first["network"] == ROWS[0]["model"]
    assert first["median (ms)"] == ROWS[0]["median_ms"]
    assert " to " in first["95 % interval (ms)"]
    assert len(others) == len(ROWS) - 1
    assert "conditions" in times([case(), case("onnxruntime", 1)], "wall")[0]


def case(engine: str = "eager", number: int = 0, rows=ROWS, profile: bool = False, **changes) -> Case:
    run = timed(rows, processor="AMD EPYC 7763 64-Core Processor", **changes)
    config = run.config | {"engine": engine, "threads": 1, "rounds": 3}
    run = run.model_copy(update={"config": config, "id": run.id if not number else run.sweep_id})
    about = {"device": "cpu", "threads": 1, "batch_size": 1, "precision": "float32", "memory_format": "contiguous"}
    found = Profile(**about, networks=(FLAT, HIERARCHY)) if profile else None
    return Case(run, read_passes(SAMPLES), found)


def test_what_runs_share_stands_in_the_title_and_what_sets_them_apart_in_the_legend():
    cases = [case(), case("onnxruntime", 1)]
    assert shared(cases) == "AMD EPYC 7763, 1 thread, batch 1, float32, n = 3 rounds"
    assert apart(cases) == ["eager", "onnxruntime"]
    assert apart([case(), case(number=1)])[0].startswith("run "), "the same conditions twice"


def test_speed_up_is_held_against_the_ratio_of_the_macs():
    """`a` has 1000 MACs and takes 4 ms, `b` 2000 and 8: half as fast at twice the MACs is all that there is."""
    given = realised.gains([case(), case("onnxruntime", 1)], "wall")
    assert [(one.series, one.name, one.ratio, one.speedup, one.control) for one in given] == [
        ("eager", "b", 0.5, 0.5, False),
        ("eager", "a", 1.0, 0.8, True),
        ("onnxruntime", "b", 0.5, 0.5, False),
        ("onnxruntime", "a", 1.0, 0.8, True),
    ]
    assert [one.realised for one in given] == [1.0, 0.8, 1.0, 0.8]
    for colours in (LIGHT, DARK):
        made = realised.draw_gains(given, "T", "wall time", colours)
        line, *series = made.data
        assert list(line.x) == list(line.y), "of slope 1"
        assert {trace.mode for trace in series} <= {"markers", "markers+text"}, "devices are not joined"


def test_time_goes_by_level_of_all_blocks_together_and_outside_of_them():
    given = whereabouts.shares(HIERARCHY)
    assert list(dict.fromkeys(one.category for one in given)) == ["stem", "level 0", "level 1", "head", "between them"]
    relax = next(one for one in given if (one.category, one.part) == ("level 0", "relax"))
    assert (relax.ms, relax.time, relax.macs_share) == pytest.approx((4, 0.4, 0.55))
    assert sum(one.time for one in given) == pytest.approx(1)
    made = whereabouts.draw_shares(given, "T", LIGHT)
    bars = {
        (round(y + 0.18) if opacity == 1 else None, base): x
        for trace in made.data
        for opacity in [trace.opacity]
        for y, base, x in zip(trace.y, trace.base, trace.x, strict=True)
    }
    assert bars[-1, 10.0] == pytest.approx(40), "relax of level 0 begins where restrict ends"


def test_a_network_without_blocks_is_told_by_its_modules():
    assert [(one.category, one.time) for one in whereabouts.shares(FLAT)] == [("between them", 0.1), ("layer1", 0.9)]
    many = [part(f"m{number}", "block", None, 1, 0.02, 0.02) for number in range(50)]
    assert whereabouts.shares(network(0, "a", many))[-1].category == "further modules"


def test_passes_are_drawn_process_by_process():
    own, other, again = passes.rounds_of(case(), "wall")
    assert (own.name, own.rounds) == ("a", ((4.0,) * 3, (5.0,) * 3))
    assert (again.name, again.control, other.every) == ("a (control)", True, [8.0] * 3 + [9.0] * 3)
    made = passes.draw_ecdf([own, other, again], "T", "wall time", LIGHT)
    bold = [trace for trace in made.data if trace.showlegend is None]
    assert [trace.line.dash for trace in bold][-1] == "dot"
    assert len(made.data) == 9, "three networks and the two processes of each"
    assert len(passes.draw_rounds([own, other, again], "T", "wall time", LIGHT).data) == 6
    assert passes.rounds_of(case(), "cpu")[0].every == [2.0] * 6


def test_the_control_is_drawn_against_the_bands_of_its_grades():
    given = control.rows([case()])
    assert [(one["clock"], one["ratio"], one["grade"]) for one in given] == [
        ("wall time", 0.8, "C"),
        ("CPU time", 0.8, "B"),
    ]
    assert len(control.draw_control(given, "T", LIGHT).layout.shapes) == 4


def test_the_scene_says_conditions_and_grade_in_each_title():
    data = Data((), (), (case(profile=True), case("onnxruntime", 1)), 0)
    values, faults = read(latency.switches(data), {})
    assert faults == []
    assert values["network"] == "b", "the first that has levels"
    drawn = {plot.name: plot for plot in latency.plots(data, values)}
    assert list(drawn)[:3] == ["realised-speed-up", "where-the-time-goes", "control"]
    assert len(drawn) == 5
    for name, plot in drawn.items():
        title = plot.draw(LIGHT).layout.title.text.replace("<br>", " ")
        assert "AMD EPYC 7763" in title
        assert "1 thread" in title
        assert ("grade C" in title) is (name != "control")
        assert plot.rows()
    assert "0.8 (0.72 to 0.88) by wall time" in drawn["realised-speed-up"].caption


def test_at_c_and_d_the_marks_are_pale_and_the_title_has_the_grade():
    weak, sound = (plots_of_run(INFO, timed(ROWS, grade=grade)) for grade in ("D", "A"))
    assert [plot.grade for plot in weak] == ["D", "B", "D", "D", "D", "B", None]
    pale, bold = weak[0].draw(LIGHT), sound[0].draw(LIGHT)
    assert "grade D" in pale.layout.title.text
    assert "grade A" in bold.layout.title.text
    assert {trace.opacity for trace in pale.data} == {PALE}
    assert {trace.opacity for trace in bold.data} == {None}
    assert all(trace.marker.pattern.shape for trace in pale.data if trace.type == "bar")
    assert weak[0].draw(LIGHT).layout.title.text == pale.layout.title.text, "drawn again it is the same"


def test_why_a_grade_is_weak_and_how_its_control_stood():
    run = timed(ROWS, reasons=["C: a reason", "B: a lesser one"])
    assert why([run, run]) == ["wall time, C: a reason"]
    assert control_of(run) == "0.8 (0.72 to 0.88) by wall time, 0.8 (0.78 to 0.82) by CPU time"


def test_networks_are_told_by_what_differs():
    specs = ["mgic_resnet20(group_size=4)", "mgic_resnet20(group_size=2,coarsest_size=8)", "resnet20"]
    given = [row(place, "measured", spec, 4.0) for place, spec in enumerate(specs)]
    defaults = {"mgic_resnet20": {"group_size": 8, "coarsest_size": 16, "width": 16}}
    run = timed(given)
    assert list(names_of([Case(run, defaults=defaults)]).values()) == [
        "mgic_resnet20 4/16",
        "mgic_resnet20 2/8",
        "resnet20",
    ]
