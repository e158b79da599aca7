"""What is drawn of a reconstruction: windows, crops, one scale for errors, and the figures beside them."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from dashboard.reconstructions.sections import Place, tiles_file
from mgic.figures.pictures import (
    ERRORS,
    MAPS,
    Crop,
    draw_bar,
    draw_errors,
    draw_matrix,
    error_limit,
    read_gallery,
    row_sums,
    tile,
    window,
)
from mgic.figures.reconstruction_levels import draw_kept, kept_rows
from mgic.figures.scenes.reconstructions import RANDOM, WORST, Shown, like, matrix_title, picked, title_of
from mgic.figures.style import LIGHT
from tests.dashboard.made import run


def packed(**changed) -> bytes:
    """A gallery of two samples and two channels as a run writes it."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 2, 8, 8)).astype(np.float16)
    held = {
        "names": np.array(["one", "two"]),
        "channels": np.array([3, 9]),
        "inputs": rng.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8),
        "maps": maps,
        "reconstructions": maps + np.float16(0.5),
        "mse": np.full((2, 2), 0.25),
        "coarsest": maps,
        "restriction": np.eye(2, 4, dtype=np.float32),
        "restriction_1": np.eye(2, 3, dtype=np.float32),
        "restriction_0": np.eye(3, 4, dtype=np.float32),
        "prolongation_0": np.eye(4, 3, dtype=np.float32),
    }
    file = io.BytesIO()
    np.savez_compressed(file, **(held | changed))
    return file.getvalue()


def test_a_gallery_is_read_with_the_product_of_all_r_first():
    gallery = read_gallery(packed())
    assert gallery.names == ("one", "two")
    assert gallery.channels == (3, 9)
    assert list(gallery.matrices) == ["restriction", "restriction_0", "restriction_1", "prolongation_0"]
    np.testing.assert_allclose(gallery.error(1, 0), 0.5, atol=2e-3)


def test_samples_are_the_worst_by_their_mean_error_or_drawn_by_a_seed():
    gallery = read_gallery(packed(mse=np.array([[0.1, 0.9], [0.4, 0.2]])))
    assert picked(gallery, WORST, {"samples": "1"}, [0, 1]) == [0], "means of .5 and .3"
    assert picked(gallery, WORST, {"samples": "2"}, [0]) == [1, 0]
    assert picked(gallery, RANDOM, {"samples": "2"}, [0]) == [0, 1]
    drawn = [picked(gallery, RANDOM, {"draw": str(seed)}, [0]) for seed in range(20)]
    assert {one for (one,) in drawn} == {0, 1}
    assert drawn[3] == picked(gallery, RANDOM, {"draw": "3"}, [0])


def test_all_tiles_are_in_one_file_with_their_captions():
    gallery = read_gallery(packed())
    shown = [Shown("A", run(1, group_size=8, coarsest_size=8), gallery)]
    with zipfile.ZipFile(io.BytesIO(tiles_file(shown, [Place(1, 0)], Crop(), 0.5))) as file:
        names = file.namelist()
        told = file.read("captions.txt").decode()
        error = np.array(Image.open(file.open("two-3-error-A.png")))
    assert names == ["two-3-map.png", "two-3-back-A.png", "two-3-input.png", "two-3-error-A.png", "captions.txt"]
    assert np.array_equal(error, tile(gallery.error(1, 0), 0, 0.5, ERRORS))
    assert "two-3-back-A.png: A: group size 8, MSE 0.25" in told


@pytest.mark.parametrize("content", [b"", b"no file", packed()[:200]])
def test_what_is_no_gallery_is_refused(content):
    with pytest.raises(ValueError, match=r".+"):
        read_gallery(content)


def test_a_file_that_lacks_an_array_is_refused():
    file = io.BytesIO()
    np.savez(file, maps=np.zeros(3))
    with pytest.raises(ValueError, match="no gallery"):
        read_gallery(file.getvalue())


def test_objects_in_a_file_are_not_loaded():
    with pytest.raises(ValueError, match="allow_pickle"):
        read_gallery(packed(names=np.array([{}, {}], dtype=object)))


def test_galleries_of_other_maps_do_not_stand_side_by_side():
    gallery = read_gallery(packed())
    assert gallery.shows_the_same(read_gallery(packed(reconstructions=np.zeros((2, 2, 8, 8), np.float16))))
    assert not gallery.shows_the_same(read_gallery(packed(names=np.array(["one", "three"]))))
    assert not gallery.shows_the_same(read_gallery(packed(maps=np.ones((2, 2, 8, 8), np.float16))))


def test_a_window_leaves_out_the_outermost_values():
    values = np.arange(1001.0)
    assert window(values) == (5, 995)
    low, high = window(np.ones((4, 4)))
    assert low < high, "a constant map can be drawn too"


def test_one_scale_covers_the_errors_of_all():
    assert error_limit([np.zeros(1000), np.full(1000, 3.0)]) == 3
    assert error_limit([np.arange(1001.0)]) == 995
    assert error_limit([np.zeros(4)]) > 0


def test_row_sums_tell_whether_rows_stayed_at_one():
    sums = row_sums(np.array([[0.25, 0.75, 0, 0], [0, 0, 1.5, -0.3]], dtype=np.float32))
    assert (sums.rows, sums.near, sums.negative) == (2, 1, 25), "zeros between the groups are no weights"
    assert (sums.low, sums.mean, sums.high) == pytest.approx((1, 1.1, 1.2))


def test_a_level_keeps_what_it_has_not_lost_of_the_variance():
    level = {"level": 1, "width": 16, "restriction_mse": 0.5, "prolongation_mse": 0.2, "level_pca": 0.1}
    of = run(0, result={"variance": 2.0, "levels": [level]})
    rows = kept_rows(of)
    assert rows == [{"level": 1, "channels": 16, "R (%)": 75.0, "P (%)": 90.0, "at most (%)": 95.0}]
    made = draw_kept([{"run": "A", **rows[0]}], LIGHT)
    assert [trace.y[0] for trace in made.data] == [75, 90, 95]


def test_the_difference_of_two_runs_is_between_what_came_back():
    one = read_gallery(packed())
    other = read_gallery(packed(reconstructions=one.maps.astype(np.float16)))
    np.testing.assert_allclose(one.difference(other, 0, 1), 0.5, atol=2e-3)


def test_a_tile_is_enlarged_pixel_by_pixel_and_clipped_to_its_window():
    picture = tile(np.array([[0.0, 1.0], [5.0, -5.0]]), 0, 1, MAPS)
    assert picture.shape == (448, 448, 3)
    assert picture.dtype == np.uint8
    assert (picture[:224, :224] == picture[0, 0]).all()
    assert (picture[-1, 0] == picture[0, -1]).all(), "above the window is its upper end"
    assert (picture[-1, -1] == picture[0, 0]).all(), "below it its lower end"
    assert (tile(np.zeros((4, 4)), 0, 1, ERRORS) < 10).all(), "no error is black"


@pytest.mark.parametrize(
    ("crop", "rows", "columns"),
    [
        (Crop(), slice(0, 8), slice(0, 8)),
        (Crop(2), slice(2, 6), slice(2, 6)),
        (Crop(4, across=0, down=1), slice(6, 8), slice(0, 2)),
        (Crop(8, across=1, down=0), slice(0, 1), slice(7, 8)),
        (Crop(2, across=0.5, down=0.25), slice(0, 4), slice(2, 6)),
    ],
)
def test_a_crop_is_the_same_part_of_every_tile(crop, rows, columns):
    values = np.arange(64).reshape(8, 8)
    np.testing.assert_array_equal(crop.of(values), values[rows, columns])
    large = np.kron(values, np.ones((2, 2), int))
    if crop.zoom < 8:
        np.testing.assert_array_equal(crop.of(large)[::2, ::2], values[rows, columns])


def finished(number: int, size: int, mse: float, **config):
    result = {"mse": mse, "mse_pca": 0.01, "levels": [{"level": 0, "width": 32}, {"level": 1, "width": 16}]}
    return run(number, result=result, group_size=size, coarsest_size=8, images="photographs", **config)


def test_the_error_falls_along_the_group_size_and_stands_above_the_bound():
    made = draw_errors([finished(n, size, 1 / size) for n, size in enumerate((4, 8, 16))], LIGHT)
    named = {trace.name: trace for trace in made.data if trace.name}
    assert list(named["R and P"].x) == [4, 8, 16]
    assert list(named["R and P"].y) == [0.25, 0.125, 0.0625]
    assert list(named["bound of principal components"].y) == [0.01] * 3
    assert list(made.layout.xaxis.tickvals) == [4, 8, 16]


def test_runs_that_differ_in_more_than_the_group_size_are_no_family():
    runs = [finished(0, 4, 1.0), finished(1, 16, 1.0), finished(2, 8, 1.0, seed=1), finished(3, 8, 1.0)]
    family = like(runs[0], runs)
    assert [one.config["group_size"] for one in family] == [16, 8, 4]
    assert runs[2] not in family


def test_a_matrix_has_its_zero_in_the_middle_of_the_colours():
    made = draw_matrix(np.array([[0.5, -2.0]]), "R", LIGHT)
    assert (made.data[0].zmin, made.data[0].zmax) == (-2, 2)


def test_the_bar_has_the_colours_of_the_tiles():
    made = draw_bar(0, 3, ERRORS, LIGHT)
    assert made.data[0].x[-1] == 3
    last = tile(np.array([[3.0]]), 0, 3, ERRORS)[0, 0]
    assert made.data[0].colorscale[-1][1] == f"rgb({last[0]},{last[1]},{last[2]})"


def test_names_of_runs_and_matrices_can_be_told_apart():
    one, other = finished(0, 4, 1.0, seed=1), finished(1, 4, 1.0, seed=1)
    assert title_of(one, ()) != title_of(other, ())
    assert title_of(one, ("images",)).startswith("s_g 4, s_c 8")
    assert title_of(one, ("images",)).endswith("images=photographs, seed=1")
    assert [matrix_title(name) for name in ("restriction", "restriction_0", "prolongation_1")] == [
        "all R",
        "R of level 0",
        "P of level 1",
    ]
