"""The page of tables, from runs whose numbers are made up."""

import pytest

from mgic.benchmark.report import report
from mgic.records import Outcome, RunStatus
from mgic.reference.recipes.table10 import NETWORKS


def row(model, macs, role="measured", **more):
    return {"model": model, "macs": macs, "role": role, "params": macs // 10, "peak_memory_mb": 2.0, **more}


def ran(rows, **config) -> Outcome:
    result = {"rows": rows, "grade": "C", "cpu_grade": "A", "processor": "A CPU", "cores": 2, "gpu": None}
    result |= {"load_before": 0.5, "foreign_cpu": 0.01}
    environment = {"ended": 0.0, "torch": "2.14", "source": {"version": "0.1", "commit": "a" * 40, "dirty": False}}
    return Outcome(
        status=RunStatus.SUCCEEDED,
        config={"engine": "eager", "threads": 1, "batch_size": 1, "precision": "float32", "rounds": 3, **config},
        result=result,
        failure=None,
        environment=environment,
        seconds=1.0,
    )


def pair(speedup, **config) -> Outcome:
    ends = {"cpu_speedup": speedup, "cpu_speedup_low": speedup / 1.25, "cpu_speedup_high": speedup * 1.25}
    return ran(
        [
            row("resnet50", 400, speedup=1.0),
            row("mgic_resnet50", 100, speedup=1.0, **ends),
            row("resnet50", 400, "control"),
        ],
        **config,
    )


def cells(page: str, begin: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith(begin)
    ]


def test_a_row_has_the_ratio_of_times_its_interval_and_what_it_is_to_the_macs():
    (found,) = cells(report([pair(2.0)], [], "mgic benchmark"), "| mgic")
    assert found[1:] == [
        "0.250", "eager, 1 thread, batch 1, float32", "0.500 [0.400, 0.625]", "1.000", "2.00", "A/C", "3",
    ]  # fmt: skip


def test_of_one_pair_the_quickest_way_comes_first():
    found = cells(report([pair(1.0), pair(2.0, engine="onnxruntime")], [], "c"), "| mgic")
    assert [line[2].partition(",")[0] for line in found] == ["onnxruntime", "eager"]


def test_steps_of_training_have_a_table_of_their_own():
    page = report([pair(2.0), pair(1.5, mode="training")], [], "c")
    passes, steps = page.split("## Steps of training")
    assert "0.500" in passes
    assert "0.667" in steps
    assert "0.667" not in passes


def test_growth_is_fitted_kind_by_kind():
    widths = (64, 128, 256, 512)
    rows = [row("single_block(kind=pointwise,width=1024,in_channels=1024)", 10**9, cpu_median_ms=10.0, median_ms=11.0)]
    for kind, power in (("full", 2), ("mgic", 1)):
        rows += [
            row(f"single_block(kind={kind},width={w},in_channels={w})", w**power * 1000, cpu_median_ms=w / 64)
            for w in widths
        ]
    page = report([ran(rows)], [], "c")
    assert cells(page, "| full |")[-1][2:4] == ["2.00 [2.00, 2.00]", "1.00 [1.00, 1.00]"]
    assert cells(page, "| mgic |")[-1][2:4] == ["1.00 [1.00, 1.00]", "1.00 [1.00, 1.00]"]
    assert cells(page, "| 64 | full")[0][-2:] == ["4.1", "4%"]


@pytest.mark.parametrize("word", ["A CPU", "torch 2.14", "aaaaaaaaaa", "1970-01-01", "0.5 to 0.5", "no compiler"])
def test_the_page_says_when_where_and_what_is_missing(word):
    assert word in report([pair(2.0)], ["no compiler"], "mgic benchmark")


def test_nothing_measured_is_said():
    assert "Nothing was measured" in report([], [], "mgic benchmark")


def test_table_10_stands_beside_the_papers_times():
    took = dict(zip(NETWORKS, (10.0, 12.0, 15.0, 5.0), strict=True))
    here = [row(name, 10, cpu_median_ms=ms, median_ms=9.0) for name, ms in took.items()]
    page = report([ran(here), pair(2.0)], [], "c")
    assert cells(page, "| eager")[0][1:] == ["10 (1.00)", "12 (1.20)", "15 (1.50)", "5 (0.50)", "A"]
    assert cells(page, "| the paper's i9")[0][1:] == ["130 (1.00)", "140 (1.08)", "170 (1.31)", "172 (1.32)", "-"]
    assert len(cells(page, "| mgic_resnet50")) == 0
    others = report([ran([row(name, 10, speedup=1.0) for name in reversed(NETWORKS)])], [], "c")
    assert "Table 10" not in others
