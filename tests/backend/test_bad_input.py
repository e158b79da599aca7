"""Sweeps no client should ask for: each is refused in one shape, names its field, and leaves the database as it was."""

import json
import os

import pytest

from backend.store import config_key
from tests.backend.api_alone import Api, check_post_refused, check_refused
from tests.conftest import wait_for


def check_field_refused(api: Api, kind: str, field: str, values: str, more: str = "") -> dict:
    """The one fault of a grid whose other fields, in `more`, are good."""
    axes = f'{{"{field}": [{values}]{more}}}'
    problem = check_post_refused(api, 422, kind, f'{{"experiment": "classification", "axes": {axes}}}')
    (fault,) = problem["errors"]
    assert fault["pointer"].startswith(f"#/axes/{field}"), fault
    assert fault["in"] == "body"
    assert fault["code"]
    assert fault["detail"]
    return fault


# Rows 16 to 19, 22, 23 and 36: fields


@pytest.mark.parametrize("values", ["NaN", "Infinity", "-Infinity", "1e999", "-1", "0", "1e9", "true", '"0.1"', "null"])
def test_a_learning_rate_out_of_reason_is_refused(api, values):
    check_field_refused(api, "validation", "learning_rate", values)


@pytest.mark.parametrize(
    "values", ["1000000000", str(2**70), "1e9", "true", '"5"', "1.5", "5.0", "0", "-1", "null", "[1]", "{}"]
)
def test_only_a_whole_number_of_epochs_in_bounds_is_taken(api, values):
    check_field_refused(api, "validation", "epochs", values)


@pytest.mark.parametrize("values", ["1000000000", "0", "-1", "4097"])
def test_a_batch_size_out_of_bounds_is_refused(api, values):
    check_field_refused(api, "validation", "batch_size", values)


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ("-1", ""),
        (str(2**64), "/0"),
        (str(2**32), ""),
        (", ".join(map(str, range(1000))), ""),
        ("3, 4, 3", "/2"),
        ("", ""),
        ("0, NaN", "/1"),
        ("0, -5", "/1"),
    ],
    ids=["negative", "2^64", "2^32", "a-thousand", "twice", "none", "nan", "second-negative"],
)
def test_a_bad_axis_of_seeds_is_refused_at_the_seed_at_fault(api, values, place):
    assert check_field_refused(api, "validation", "seed", values)["pointer"] == f"#/axes/seed{place}"


def test_two_grids_name_the_one_at_fault(api):
    body = '{"experiment": "cost", "grids": [{"side": [8]}, {"side": [16, 0]}]}'
    (fault,) = check_post_refused(api, 422, "validation", body)["errors"]
    assert fault["pointer"] == "#/grids/1/side/1"


def test_an_option_the_model_does_not_have_is_refused_with_both_names(api):
    detail = check_field_refused(api, "validation", "group_size", "8", ', "model": ["resnet20"]')["detail"]
    assert "resnet20" in detail
    assert "group_size" in detail


def test_a_misspelt_field_is_refused_with_the_nearest_one(api):
    assert "did you mean 'batch_size'?" in check_field_refused(api, "validation", "batchsize", "8")["detail"]


@pytest.mark.parametrize("field", ["status", "owner", "id", "config", "device"])
def test_a_field_the_request_does_not_have_is_refused(api, field):
    body = json.dumps({"experiment": "cost", "axes": {}, field: "succeeded"})
    (fault,) = check_post_refused(api, 422, "validation", body)["errors"]
    assert fault["pointer"] == f"#/{field}"


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"experiment": "cots"}, "#/experiment", "did you mean 'cost'?"),
        ({"experiment": ""}, "#/experiment", "known: "),
        ({}, "#/experiment", "known: "),
        ({"recipe": "tabel13"}, "#/recipe", "did you mean 'table13'?"),
        ({"experiment": "cost", "recipe": "table13"}, "#/experiment", "classification"),
        ({"experiment": "cost", "axes": {}, "grids": [{}]}, "#/grids", "together"),
        ({"experiment": "cost", "grids": []}, "#/grids", "at least 1"),
        (
            {"experiment": "classification", "axes": {"model": ["resnet200"]}},
            "#/axes/model",
            "did you mean 'resnet20'?",
        ),
        ({"experiment": 5}, "#/experiment", "string"),
        ({"experiment": "cost", "priority": "5"}, "#/priority", "integer"),
        ({"experiment": "cost", "priority": 10}, "#/priority", "9"),
        ({"experiment": "cost", "reuse": 1}, "#/reuse", "boolean"),
        ({"experiment": "cost", "axes": {"side": 8}}, "#/axes/side", "list"),
    ],
)
@pytest.mark.parametrize("path", ["/sweeps", "/sweeps/preview"])
def test_a_request_that_names_no_sweep_says_where_and_why(api, path, body, pointer, words):
    (fault,) = check_post_refused(api, 422, "validation", json.dumps(body), path=path)["errors"]
    assert fault["pointer"] == pointer
    assert words in fault["detail"]


def test_the_name_of_a_field_comes_back_cut_short(api):
    body = json.dumps({"experiment": "cost", "axes": {"k" * 200_000: [1]}})
    assert len(check_post_refused(api, 422, "validation", body)["errors"][0]["pointer"]) < 300


@pytest.mark.parametrize("place", ['"\\ud800": 1', '"axes": {"\\ud800": [1]}', '"axes": {"model": ["\\ud800"]}'])
def test_half_a_character_is_refused_wherever_it_stands(api, place):
    check_post_refused(api, 422, "validation", f'{{"experiment": "cost", {place}}}')


# Rows 32 and 33: files of weights


@pytest.mark.parametrize("path", ["/sweeps", "/sweeps/preview"])
def test_a_file_of_weights_that_is_none_is_refused_before_anything_is_queued(api, path):
    folder = api.folder / "data" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pickled.safetensors").write_bytes(b"\x80\x04cos\nsystem\n(S'touch canary'\ntR.")
    (folder / "header.safetensors").write_bytes((2**30).to_bytes(8, "little") + b"{}")
    for name, words in (("pickled", "is a pickle"), ("header", "header would be longer"), ("none", "there is no")):
        body = {"experiment": "evaluate", "axes": {"weights": [name]}}
        if path == "/sweeps":
            (fault,) = check_post_refused(api, 422, "bad-checkpoint", json.dumps(body))["errors"]
            assert (fault["pointer"], fault["code"]) == ("#/axes/weights", "bad_checkpoint")
            assert words in fault["detail"]
            assert not fault["detail"].startswith("weights:"), "the pointer says it"
        else:
            (point,) = api.http.post(path, json=body).json()["points"]
            assert words in point["problem"]
    for name in ("../x", "/etc/passwd", "a/b", "http://169.254.169.254/x"):
        body = {"experiment": "evaluate", "axes": {"weights": [name]}}
        assert check_post_refused(api, 422, "validation", json.dumps(body), path=path)["errors"]


def test_a_result_is_of_what_was_in_the_file_not_of_its_name():
    keys = [config_key("evaluate", 1, {"weights": "a"}, {"weights": hash}) for hash in ("1", "1", "2")]
    assert keys[0] == keys[1] != keys[2]


# Rows 20, 21 and 24: cost and number


def test_fields_in_bounds_whose_network_is_too_large_are_refused_with_the_figures(api):
    body = '{"experiment": "cost", "axes": {"model": ["resnet110"], "width": [512]}}'
    problem = check_post_refused(api, 422, "too-expensive", body)
    assert problem["estimate"]["params"] > problem["estimate"]["limit"] == 200_000_000


def test_a_million_million_cells_are_counted_and_never_made(api):
    names = ("epochs", "batch_size", "seed", "max_steps")
    axes = {name: list(range(1, length + 1)) for name, length in zip(names, (100, 100, 100, 20), strict=True)}
    before = resident(api)
    body = json.dumps({"experiment": "classification", "axes": axes})
    problem = check_post_refused(api, 422, "sweep-too-large", body)
    assert problem["cells"] == 100 * 100 * 100 * 20
    assert resident(api) - before < 5 * 2**20  # making a thousandth of the points would take more


def test_a_run_more_than_may_wait_is_refused_and_says_when_to_come_back(api):
    body = {"experiment": "classification", "axes": {"seed": list(range(500)), "batch_size": [8, 16, 32]}}
    before = api.stored()
    send = lambda: (answer := api.http.post("/sweeps", json=body)).status_code != 503 and answer  # noqa: E731
    answer = wait_for(send, 60, "all cells to be counted")
    check_refused(api, 429, "quota-exceeded", answer, before)
    assert int(answer.headers["retry-after"]) > 0


def resident(api: Api) -> int:
    """Bytes of the API and its catalogue."""
    page = os.sysconf("SC_PAGE_SIZE")
    pages = 0
    for pid in (api.process.pid, api.catalogue_pid()):
        with open(f"/proc/{pid}/statm") as statm:
            pages += int(statm.read().split()[1])
    return pages * page


def test_a_cell_that_no_network_can_be_built_from_is_refused_by_name(api):
    body = '{"experiment": "classification", "axes": {"group_size": [1], "coarsest_size": [8]}}'
    (fault,) = check_post_refused(api, 422, "validation", body)["errors"]
    assert fault["in"] == "body"
    assert "group_size" in fault["pointer"]
    assert "group_size=1" in fault["detail"]


# Rows 30 and 31: data sets


@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "/etc/passwd", "..\\..\\x", "%2e%2e%2f", "file:///etc/passwd", "C:\\x", "digits/../x"),
        *("http://169.254.169.254/", "s3://bucket/x", "//host/share", "", "DIGITS", "digits ", "__class__"),
    ],
)
@pytest.mark.parametrize("path", ["/sweeps", "/sweeps/preview"])
def test_a_data_set_is_one_of_the_list(api, path, name):
    body = json.dumps({"experiment": "classification", "axes": {"dataset": [name]}})
    (fault,) = check_post_refused(api, 422, "unknown-dataset", body, path=path)["errors"]
    assert fault["pointer"] == "#/axes/dataset"
    assert "known: " in fault["detail"] or "did you mean" in fault["detail"]


# Rows 34 and 35: names


@pytest.mark.parametrize(
    "name",
    [
        *("<img src=x onerror=alert(1)>", "$\\href{javascript:alert(1)}{x}$", "[x](javascript:alert(1))", "=cmd()"),
        *("a\0", "\ud800", "a\u202eb", "x" * 10_000, "   ", "", "a\n", "-a", "@a", 5, ["a"], "Ünder"),
    ],
    ids=ascii,
)
def test_a_name_is_made_of_plain_characters(api, name):
    (fault,) = check_post_refused(api, 422, "validation", json.dumps({"experiment": "cost", "name": name}))["errors"]
    assert fault["pointer"] == "#/name"


# What is close to the edge, and good


@pytest.mark.parametrize(
    "body",
    [
        {"experiment": "classification", "axes": {"seed": list(range(500))}},
        {
            "experiment": "classification",
            "axes": {"epochs": [1000], "learning_rate": [1000], "batch_size": [1437]},
        },
        {"experiment": "cost", "name": "x" * 120},
        {"experiment": "cost", "axes": {"side": [8]}, "priority": 0},
        {"experiment": "classification", "axes": {"learning_rate": [1], "seed": [2**32 - 1]}},
    ],
    ids=["500-cells", "upper-bounds", "name", "priority", "whole-number-rate"],
)
def test_the_last_value_in_bounds_is_taken(api, body):
    sweeps, runs = api.stored()
    answer = api.http.post("/sweeps", json=body)
    assert answer.status_code == 201, answer.text
    assert api.stored() == (sweeps + 1, runs + answer.json()["total"])
