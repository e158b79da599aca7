"""Which pictures hang where, whatever the order of the runs."""

from dashboard.new.recipes import missing
from dashboard.plots.wall import columns_of, picture_link, rows_of
from mgic.records import DatasetInfo, Reason, Recipe, View
from tests.dashboard.made import failed, run

MAPS = View(title="Maps", kind="images", x="group_size", y="maps/*.png")


def test_a_column_a_setting_in_its_order_and_one_seed_for_all():
    runs = [
        run(0, result={}, group_size=16, seed=1),
        run(1, result={}, group_size=4, seed=2),
        run(2, result={}, group_size=4, seed=1),
        run(3, result={}, group_size=16, seed=0),
        run(4, result={}, seed=0),
        failed(5, Reason.OOM, group_size=8, seed=1),
    ]
    columns = columns_of(MAPS, runs)
    assert [(column.label, column.run.number) for column in columns] == [("group_size=4", 2), ("group_size=16", 0)]


def test_what_else_differs_is_in_the_label():
    runs = [run(n, result={}, group_size=size, block=block) for n, (size, block) in enumerate([(8, "b"), (8, "a")])]
    assert [column.label for column in columns_of(MAPS, runs)] == ["group_size=8, block=a", "group_size=8, block=b"]


def test_without_a_common_seed_each_has_its_smallest():
    runs = [run(n, result={}, group_size=size, seed=seed) for n, (size, seed) in enumerate([(4, 10), (4, 9), (8, 3)])]
    assert [column.run.number for column in columns_of(MAPS, runs)] == [1, 2]
    assert columns_of(MAPS, []) == []


def test_the_star_is_the_sample_and_numbers_come_by_size():
    one, other = run(0).id, run(1).id
    names = {one: ["maps/10.png", "maps/9.png", "model.safetensors"], other: ["maps/9.png", "other/9.png"]}
    rows = rows_of("maps/*.png", names)
    assert list(rows) == ["9", "10"]
    assert rows["9"] == {one: "maps/9.png", other: "maps/9.png"}
    assert rows["10"] == {one: "maps/10.png"}


def test_without_a_star_there_is_one_row():
    given = run(0).id
    assert rows_of("fit.png", {given: ["fit.png", "fitxpng", "target.png"]}) == {"": {given: "fit.png"}}
    assert rows_of("none.png", {given: ["fit.png"]}) == {}


def test_a_name_is_no_part_of_the_address_it_stands_in():
    given = run(0).id
    assert picture_link(given, "a&b=c #1.png") == f"picture?run={given}&file=a%26b%3Dc+%231.png"


def test_a_recipe_names_the_data_sets_that_are_not_here():
    def data(name: str, present: bool) -> DatasetInfo:
        about = {"title": name, "task": "image classification", "shape": (3, 8, 8), "classes": 2}
        return DatasetInfo(name=name, **about, train=1, test=1, present=present, how_to_get="download it")

    grids = ({"images": ["imagenet"], "seed": [0]}, {"dataset": ["digits", "cifar10"]})
    recipe = Recipe(name="r", title="R", summary="", scale="paper", experiment="e", grids=grids)
    known = [data("imagenet", False), data("digits", True), data("cifar10", False), data("cifar100", False)]
    assert [one.name for one in missing(recipe, known)] == ["imagenet", "cifar10"]
