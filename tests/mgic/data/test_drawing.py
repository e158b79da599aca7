"""Which colour a value has, and where a point is seen."""

import numpy as np
import pytest

from mgic.data.drawing import Cloud, Segmented, draw_clouds, draw_map, draw_masks, project


def test_values_have_the_colours_of_the_strip():
    image = draw_map(np.array([[-1.0, 0.0], [1.0, 5.0]]), 1.0, "made")
    assert image.size == (320, 320 + 36)
    corners = [image.getpixel(place) for place in ((0, 0), (319, 0), (0, 319), (319, 319))]
    assert corners == [(33, 102, 172), (247, 247, 247), (178, 24, 43), (178, 24, 43)]
    unsigned = draw_map(np.array([[0.0, 2.0]]), 2.0, "made", signed=False)
    assert unsigned.getpixel((0, 0)) == (255, 255, 255)
    assert unsigned.getpixel((319, 0)) == (63, 0, 125)


def test_the_nearest_point_is_drawn_last_and_what_is_up_is_above():
    seen = project(np.array([(0.47, 0.81, 0.34), (0.0, 0.0, 1.0), (-0.47, -0.81, -0.34)]))
    assert seen[-1] == pytest.approx([0.5, 0.5, 0.97], abs=0.01)
    assert seen[0] == pytest.approx([0.5, 0.5, 0.03], abs=0.01)
    assert seen[1, 1] < 0.1


def test_a_picture_of_clouds_has_a_tile_for_each():
    clouds = [Cloud(np.zeros((3, 3)), "one"), Cloud(np.zeros((3, 3)), "two: box?", wrong=True)] * 2
    image = draw_clouds(clouds, 3)
    assert image.size == (480, 2 * 184)
    assert image.getpixel((80, 80)) != (255, 255, 255)
    assert image.getpixel((400, 300)) == (255, 255, 255)
    colours = {colour for _, colour in image.getcolors(100_000)}
    assert (178, 24, 43) in colours


def test_a_picture_of_masks_has_the_colours_of_their_classes():
    image = np.full((2, 4, 3), 7, dtype=np.uint8)
    row = Segmented(image, np.array([[0, 0, 1, 1]] * 2), np.array([[1, 0, 1, 1]] * 2))
    sheet = draw_masks([row, row], ["ground", "disc"], [(10, 20, 30), (200, 100, 0)])
    assert sheet.width == 3 * 384 + 2 * 4
    for top in (24, 24 + 192 + 4):
        centres = [sheet.getpixel((388 * part + 96 * column + 48, top + 48)) for part in range(3) for column in (0, 2)]
        assert centres == [(7, 7, 7)] * 2 + [(10, 20, 30), (200, 100, 0)] + [(200, 100, 0)] * 2
    left_out = Segmented(image, np.full((2, 4), 255), np.zeros((2, 4), dtype=int))
    assert draw_masks([left_out], ["ground"], [(10, 20, 30)]).getpixel((388 + 100, 24 + 50)) == (0, 0, 0)
