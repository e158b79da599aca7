"""The page of reconstructions over a real service: empty, then with two runs."""

import pytest
from streamlit.testing.v1 import AppTest

from mgic.records import Run, RunStatus, Sweep, SweepRequest
from tests.cases import thorough
from tests.dashboard.test_pages import opened, said, session

SIZES = [32, 4]


@pytest.fixture
def page(service) -> AppTest:
    return session(service.client)


@pytest.fixture(scope="module")
def emptied(service) -> str:
    """What the page says before any run, and the sweep that its button makes."""
    before = opened(session(service.client), "reconstructions")
    assert "No reconstruction" in said(before)
    before.button(key="run quick").click().run()
    assert not before.exception
    sweep_id = before.query_params["sweep"]
    sweep_id = sweep_id[0] if isinstance(sweep_id, list) else sweep_id
    service.client.cancel_sweep(sweep_id)  # what its runs find is tried elsewhere
    return sweep_id


@pytest.fixture(scope="module")
def made(service, emptied) -> Sweep:
    """Two runs, which have ended; the page was looked at before."""
    request = SweepRequest(experiment="reconstruction", axes={"group_size": SIZES, "iterations": [50]})
    return service.client.wait(service.client.submit(request).id, timeout=240)


@pytest.fixture(scope="module")
def runs(service, made) -> list[Run]:
    return service.client.sweep_runs(made.id)


def pictures(page: AppTest) -> int:
    return len(page.get("image"))


def address(page: AppTest, name: str) -> str | None:
    given = page.query_params.get(name)
    return given[0] if isinstance(given, list) else given


def test_the_button_of_the_empty_page_runs_the_quick_recipe(service, emptied, runs):
    asked = service.client.sweep(emptied)
    assert (asked.recipe, asked.experiment) == ("table1_quick", "reconstruction")
    assert [one.config["group_size"] for one in service.client.sweep_runs(emptied)] == [32, 16, 8, 4]
    assert {one.status for one in runs} == {RunStatus.SUCCEEDED}


def test_it_opens_with_the_smallest_group_size_beside_the_largest(page, runs):
    shown = opened(page, "reconstructions")
    assert (address(shown, "run"), address(shown, "with")) == (str(runs[1].id), str(runs[0].id))
    # map, input, two reconstructions, two errors, their difference; then map and input with two each
    assert pictures(shown) == 7 + 3 + 3
    assert len(shown.get("plotly_chart")) == 1 + 2
    assert any("SSIM is the mean" in one.value for one in shown.caption)


def test_its_parts_stand_in_the_address(page, runs):
    both = {"run": str(runs[1].id), "with": str(runs[0].id)}
    assert pictures(opened(page, "reconstructions", part="coarsest", **both)) == 7 + 16
    assert len(opened(page, "reconstructions", part="levels", **both).get("plotly_chart")) == 1 + 1
    shown = opened(page, "reconstructions", part="matrices", matrix="prolongation_0", **both)
    assert address(shown, "matrix") == "prolongation_0"
    assert any("do not stay at sum 1" in one.value for one in shown.caption)
    sums = shown.dataframe[-1].value
    assert (sums["least row sum"] <= sums["mean row sum"]).all()


@pytest.mark.parametrize(
    "wrong", [{"image": "nothing"}, *thorough({"channel": "1000"}, {"zoom": "3x"}, {"part": "x"}, {"with": "zzz"})]
)
def test_what_the_address_has_wrong_is_told(page, runs, wrong):
    shown = opened(page, "reconstructions", run=str(runs[0].id), **wrong)
    (name, text) = next(iter(wrong.items()))
    assert f"{name}={text} in the address" in said(shown)
    assert pictures(shown) > 0


def test_the_address_chooses_runs_images_channels_and_part(page, runs):
    chosen = {"run": str(runs[1].id), "image": "coffee;china", "channel": "8;24", "zoom": "4x", "across": "20"}
    shown = opened(page, "reconstructions", **chosen)
    assert pictures(shown) == 4 * 4 + 3 + 3, "no second run: four tiles for each of four pairs"
    assert {name: address(shown, name) for name in chosen} == chosen
    assert address(shown, "with") is None
    assert shown.slider(key="reconstructions middle/across").value == 20


def test_the_worst_samples_are_shown_with_all_tiles_as_a_file(page, runs):
    shown = opened(page, "reconstructions", run=str(runs[1].id), pick="worst", samples="3")
    assert pictures(shown) == 3 * 4 + 3 + 3, "no second run: four tiles for each"
    assert {name: address(shown, name) for name in ("pick", "samples")} == {"pick": "worst", "samples": "3"}
    assert "Tiles as PNG" in [one.proto.label for one in shown.get("download_button")]


def test_a_choice_goes_into_the_address(page, runs):
    shown = opened(page, "reconstructions", run=str(runs[0].id))
    shown.selectbox(key="reconstructions runs/with").set_value(
        next(one for one in shown.selectbox(key="reconstructions runs/with").options if str(runs[1].id)[:8] in one)
    ).run()
    assert not shown.exception
    assert address(shown, "with") == str(runs[1].id)
    assert pictures(shown) == 7 + 3 + 3


@pytest.mark.parametrize("given", ["zzz", *thorough("00000000-0000-4000-8000-000000000000")])
def test_a_bad_id_is_answered_in_words_and_the_page_goes_on(page, runs, given):
    shown = opened(page, "reconstructions", run=given)
    assert "no reconstruction that ended well has this id" in said(shown)
    assert pictures(shown) > 0


def test_a_run_of_another_experiment_is_refused_in_words(page, runs, service):
    made = service.client.submit(SweepRequest(experiment="cost", axes={"model": ["resnet20"]}))
    service.client.wait(made.id, timeout=120)
    other = service.client.sweep_runs(made.id)[0]
    assert "no reconstruction that ended well has this id" in said(opened(page, "reconstructions", run=str(other.id)))


def test_runs_over_other_maps_do_not_stand_side_by_side(page, runs, service):
    axes = {"samples": [1], "layer": ["activation"], "iterations": [20]}
    made = service.client.submit(SweepRequest(experiment="reconstruction", axes=axes))
    service.client.wait(made.id, timeout=120)
    other = service.client.sweep_runs(made.id)[0]
    shown = opened(page, "reconstructions", **{"run": str(runs[0].id), "with": str(other.id)})
    assert "other feature maps" in said(shown)
    alone = opened(page, "reconstructions", run=str(other.id))
    assert pictures(alone) == 4, "one run, no other group size"


def test_the_page_of_the_sweep_hangs_the_pictures_of_its_runs_beside_each_other(page, made, runs):
    shown = opened(page, "sweep", sweep=str(made.id), view="reconstructions")
    assert pictures(shown) == len(runs)
    labels = [one.value for one in shown.markdown if one.value.startswith("group_size=")]
    assert [label.split()[0] for label in labels] == [f"group_size={size}" for size in sorted(SIZES)]
    links = [image.link for one in shown.get("image") for image in [one.proto]]
    assert links[0] == f"picture?run={runs[1].id}&file=reconstructions.png"


def test_the_page_of_a_run_has_small_pictures_and_one_click_further_the_whole_one(page, service, runs):
    assert pictures(opened(page, "run", run=str(runs[0].id))) > 0
    shown = opened(page, "run", run=str(runs[0].id), part="files")
    files = [one.name for one in service.client.artifacts(runs[0].id) if one.media_type == "image/png"]
    assert pictures(shown) == len(files)
    whole = opened(page, "picture", run=str(runs[0].id), file="errors.png")
    assert pictures(whole) == 1
    assert opened(page, "picture", run=str(runs[0].id), file="nothing.png").error
    assert opened(page, "picture", run=str(runs[0].id), file="gallery.npz").error
