"""What the exports write: all rows, nothing that breaks the format, and figures a reader can check."""

import re

import pytest

from mgic.reference import list_references, list_tables
from mgic.reference.export import (
    as_latex,
    as_markdown,
    as_text,
    coverage,
    figure,
    paper_as_latex,
    paper_as_markdown,
    percent,
    said_twice,
)

TABLES = list_tables()
NAMES = [table.name for table in TABLES]


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
@pytest.mark.parametrize("write", [as_text, as_markdown, as_latex])
def test_every_row_and_every_note_is_written(table, write):
    rows = list_references(table.name)
    text = write(table, rows)
    for row in rows:
        assert len(re.findall(rf"^[|\s]*{re.escape(row.id)}\s", text, re.MULTILINE)) >= 1
        assert row.label in text
    marks = {as_text: "- ", as_markdown: "- ", as_latex: r"  \item "}[write]
    assert text.count(f"\n{marks}") >= len(table.notes)
    if write is as_text:
        assert all(note in text for note in (*table.notes, *(row.note for row in rows)))
        assert all(row.cannot_run in text for row in rows if row.cannot_run)


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_markdown_tables_are_whole(table):
    lines = [line for line in as_markdown(table, list_references(table.name)).splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert len(lines) == 2 + len(list_references(table.name))


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_latex_is_escaped_and_whole(table):
    text = as_latex(table, list_references(table.name))
    columns = re.search(r"\\begin{tabular}{([lr]+)}", text)
    assert columns
    body = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {len(columns[1]) - 1}
    assert not re.search(r"(?<!\\)[%#~^]", text)
    assert not re.search(r"(?<!\\)_", re.sub(r"\$s_[gc]\$", "", text))
    assert text.count("{") == text.count("}")
    assert "multiply-accumulates (MACs)" in text.split(r"\label")[0]
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 1
    assert "None" not in text


def test_a_row_reads_as_the_paper_prints_it():
    line = next(line for line in as_markdown(TABLES[4], list_references("7")).splitlines() if "| 7.7 |" in line)
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "7.7", "MGIC-ResNet-50", "ImageNet, 224x224, s_g = 32, s_c = 64", "9.4M", "9.235M", "-1.8", "match",
        "1.6B", "2.399B", "+49.9", "1.587B", "-0.8", "match (without R, P)", "75.8", "92.9", "classification",
        "within 1 point",
    ]  # fmt: skip


def test_what_is_missing_is_a_dash_and_a_column_of_dashes_is_none():
    line = next(
        line for line in as_latex(TABLES[4], list_references("7")).splitlines() if line.strip().startswith("7.3")
    )
    assert line.split("&")[4].strip() == "-"
    assert "top-1" not in as_text(TABLES[0], list_references("1"))
    assert "params" not in as_text(TABLES[7], list_references("10")).splitlines()[2].split("our params")[0]


@pytest.mark.parametrize(
    ("number", "text"), [(853_018, "0.853M"), (448, "0.448K"), (4_089_184_256, "4.089B"), (63_882, "0.06388M")]
)
def test_figures_have_four_digits(number, text):
    assert figure(number) == text


def test_a_deviation_of_nothing_has_no_sign():
    assert [percent(number) for number in (-0.04, 0.05001, -61.26, None)] == ["0.0", "+0.1", "-61.3", "-"]


def test_the_coverage_is_counted_right():
    found = coverage(list_references("7"))
    # 14 rows: five are pruned by the run, so not counted.
    assert (found.rows, found.runnable, found.counted, found.with_cost) == (14, 14, 9, 9)
    assert sum(found.params.values()) == 9
    assert sum(found.macs.values()) == 8  # Shift prints none
    assert found.all_met == sum(row.id in {"7.1", "7.7", "7.8", "7.9"} for row in list_references("7"))
    assert found.all_round == 1  # 7.11
    assert (found.judged, found.apart) == (2, {"another network": 2, "quoted": 10, "other samples": 0})
    assert coverage(list_references("1")).apart["other samples"] == 4


def test_the_rule_of_counting_and_why_a_row_is_not_judged_are_written():
    seven, thirteen = as_text(TABLES[4], list_references("7")), as_markdown(TABLES[-1], list_references("13"))
    assert "Rule of counting MACs: without R and P." in seven
    assert "quoted from He et al. 2016 [13]" in seven
    assert "Rule of counting MACs: with R and P." in thirteen
    assert "another network (-43 % parameters, -13 % MACs)" in thirteen


def test_the_whole_paper_has_every_table_and_the_headline():
    whole = paper_as_markdown()
    assert whole.startswith("# ")
    headings = re.findall(r"^## (.*)$", whole, re.MULTILINE)
    assert headings[0].startswith("Table 1:")
    assert len(headings) == len(TABLES)
    assert "81 printed rows" in whole
    assert "77 rows that can be run, 9 are judged; 21 have another network, 43 are quoted" in whole.replace("\n", " ")
    assert "of 4 the samples are others and their spread is not known" in whole
    assert "one figure of one network: 2.6 and 8.16; 2.9 and 8.27." in whole
    assert "No two judged rows" in said_twice(())
    assert paper_as_latex().count(r"\begin{table}") == len(TABLES)
