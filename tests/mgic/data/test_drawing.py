"""Which colour a value has, and where a point is seen."""

import numpy as np
import pytest

from mgic.data.drawing import Cloud, draw_clouds, draw_map, project


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
