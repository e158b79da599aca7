"""Files of the Object File Format in every form that occurs: read as what they are, or refused in words."""

import warnings

import numpy as np
import pytest

from mgic.data.off import read_off

CORNERS = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"
SQUARE = f"4 2 0\n{CORNERS}"
TRIANGLES = "3 0 1 2\n3 0 2 3\n"


def each(numbers: str) -> str:
    """The square with these numbers behind each of its corners."""
    return "4 2 0\n" + "".join(f"{line} {numbers}\n" for line in CORNERS.splitlines())


FORMS = {
    "plain": f"OFF\n{SQUARE}{TRIANGLES}",
    "counts on the first line": f"OFF{SQUARE}{TRIANGLES}",  # as some of ModelNet's files
    "counts over lines": f"OFF\n4\n2\n0\n{CORNERS}{TRIANGLES}",
    "counts over lines, a colour": f"OFF 4\n2 0\n{CORNERS}3 0 1 2 7\n3 0 2 3 7\n",
    "all in one line": f"OFF {SQUARE}{TRIANGLES}".replace("\n", " "),
    "windows": f"OFF\n{SQUARE}{TRIANGLES}".replace("\n", "\r\n"),
    "an old mac": f"# x\rOFF\n{SQUARE}{TRIANGLES}".replace("\n", "\r"),
    "tabs and blanks": f"\n  OFF\n\n{SQUARE}\n{TRIANGLES}\n\n".replace(" ", "\t  "),
    "byte-order mark": f"\ufeffOFF\n{SQUARE}{TRIANGLES}",
    "comment first": f"# made by OFF tools\n\n#\nOFF\n{SQUARE}{TRIANGLES}",
    "mark and comment": f"\ufeff# made\nOFF\n{SQUARE}{TRIANGLES}",
    "comments": f"OFF # by hand, été\n# a square\n{SQUARE}3 0 1 2 # one\n\n3 0 2 3\n#",
    "exponents": f"OFF\n{SQUARE.replace('1 1 0', '1.0e0 +1E0 -0.')}{TRIANGLES}",
    "colours of faces": f"OFF\n{SQUARE}3 0 1 2 255 0 0\n3 0 2 3 0 255 0\n",
    "colours of faces with alpha": f"OFF\n{SQUARE}3 0 1 2 0.1 0.2 0.3 1\n3 0 2 3\n",
    "undeclared colours": f"OFF\n{each('255 0 0 255')}{TRIANGLES}",
    "undeclared colours without alpha": f"OFF\n{each('255 0 0')}{TRIANGLES}",
    "COFF": f"COFF\n{each('255 0 0 255')}{TRIANGLES}",
    "COFF of three": f"COFF\n{each('0.5 0 0')}{TRIANGLES}",
    "NOFF": f"NOFF\n{each('0 0 1')}{TRIANGLES}",
    "CNOFF": f"CNOFF\n{each('0 0 1 255 0 0 255')}{TRIANGLES}",
    "NCOFF": f"NCOFF\n{each('0 0 1 255 0 0')}{TRIANGLES}",
    "STOFF": f"STOFF\n{each('0.5 0.5')}{TRIANGLES}",
    "STCNOFF": f"STCNOFF\n{each('0 0 1 255 0 0 255 0.5 0.5')}{TRIANGLES}",
    "a polygon": f"OFF\n4 1 0\n{CORNERS}4 0 1 2 3\n",
    "a polygon in colour": f"OFF\n4 1 0\n{CORNERS}4 0 1 2 3 255 0 0\n",
    "a line and a point beside": f"OFF\n4 4 0\n{CORNERS}2 0 1\n3 0 1 2\n1 3\n3 0 2 3\n",
    "another object after it": f"OFF\n{SQUARE}{TRIANGLES}OFF\n1 0 0\n0 0 0\n".replace("\nOFF\n1", "\n3 0 0 0\n1"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_read_in_every_form(form, tmp_path):
    (tmp_path / "a.off").write_bytes(FORMS[form].encode())
    vertices, faces = read_off(tmp_path / "a.off")
    assert vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert faces.tolist() == [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begin with OFF"),
        ("PLY\n4 2 0\n", "begin with OFF"),
        ("4 2 0\n", "begin with OFF"),
        ("version https://git-lfs.github.com/spec/v1\n", "begin with OFF"),
        ("OFF BINARY\n\0\0\0\4", "kind OFF BINARY"),
        ("COFF BINARY\n\0\0\0\4", "BINARY"),
        (f"4OFF\n{each('1')}{TRIANGLES}", "kind 4OFF"),
        (f"C4OFF\n{each('1 0 0 0 1')}{TRIANGLES}", "kind C4OFF"),
        (f"nOFF\n2\n{SQUARE}{TRIANGLES}", "kind nOFF"),
        ("OFF\n", "no counts"),
        ("OFF\n4 2\n0 0 0\n", "no counts"),
        (f"OFF\n4 2 0 0 0 0\n1 0 0\n{TRIANGLES}", "no counts"),
        (f"OFF\n{SQUARE}3 0 1 2\n", "promises"),
        (f"OFF\n{SQUARE}{TRIANGLES}"[:-3], "fewer corners"),
        (f"OFF\n{SQUARE}3 0 1 2\n3 0 2 4\n", "does not have"),
        (f"OFF\n{SQUARE}3 0 1 2\n3 0 -1 2\n", "does not have"),
        (f"OFF\n{SQUARE}3 0 1 2 9\n3 0 2 4 9\n", "does not have"),
        (f"OFF\n{SQUARE}3 0 1 2\n3 0 2 1e400\n", "does not have"),
        (f"OFF\n{SQUARE}4 0 1 2 -1\n3 0 2 3\n", "does not have"),
        (f"OFF\n{SQUARE.replace('1 1 0', '1 nan 0')}{TRIANGLES}", "no number"),
        (f"OFF\n{SQUARE.replace('1 1 0', '1 inf 0')}4 0 1 2 3\n3 0 2 3\n", "no number"),
        (f"OFF\n{SQUARE}3 0 1 2\n4 0 2 3\n", "fewer corners"),
        (f"OFF\n{SQUARE}3 0 1 2\n0\n", "fewer corners"),
        (f"OFF\n{SQUARE}2 0 1 2\n2 0 2 3\n", "three corners"),
        (f"OFF\n{SQUARE}3 0 1 2 1 2 3 4 5\n3 0 2 3\n", "5 numbers after its corners"),
        ("OFF\n-4 2 0\n1 2 3 4 5 6 7 8 9\n", "promises"),
        ("OFF\n4.5 2 0\n1 2 3\n", "whole"),
        ("OFF\ninf 2 0\n1 2 3\n", "whole"),
        (f"OFF\n{SQUARE}3 0 one 2\n3 0 2 3\n", "no number"),
        (f"OFF\n{SQUARE}3 0 1 2 red\n3 0 2 3\n", "no number"),
        (f"OFF\n{SQUARE}3 0 1.5 2\n3 0 2 3\n", "no number"),
        (f"OFF\n{SQUARE}{TRIANGLES}".replace("1", "0,1"), "no number"),
        (f"OFF\n{each('7')}{TRIANGLES}", "4 numbers, where one of the kind OFF has 3 or 6 or 7"),
        (f"OFF\n{each('1 2')}{TRIANGLES}", "5 numbers"),
        (f"COFF\n{SQUARE}{TRIANGLES}", "3 numbers, where one of the kind COFF has 6 or 7"),
        (f"NOFF\n{each('0 0 1 0')}{TRIANGLES}", "7 numbers, where one of the kind NOFF has 6"),
        (f"OFF\n{SQUARE.replace('1 1 0', '1 1 0 255 0 0')}{TRIANGLES}", "3 or 6 numbers"),
    ],
)
def test_what_is_not_read_is_refused(text, words, tmp_path):
    (tmp_path / "a.off").write_text(text)
    with pytest.raises(ValueError, match=words):
        read_off(tmp_path / "a.off")


@pytest.mark.parametrize("colour", ["", " 255 0 0"])
def test_one_triangle_is_a_surface(colour, tmp_path):
    (tmp_path / "a.off").write_text(f"OFF\n3 1 3\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2{colour}\n")
    assert read_off(tmp_path / "a.off")[1].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_text_of_wide_letters_is_refused(encoding, tmp_path):
    (tmp_path / "a.off").write_text(f"OFF\n{SQUARE}{TRIANGLES}", encoding)
    with pytest.raises(ValueError, match="begin with OFF"):
        read_off(tmp_path / "a.off")


def area(mesh) -> float:
    vertices, faces = mesh
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def polygon(tmp_path, *corners) -> float:
    """The area of what is read of a face with these corners."""
    lines = "".join(f"{x} {y} {z}\n" for x, y, z in corners)
    numbers = " ".join(str(number) for number in range(len(corners)))
    (tmp_path / "a.off").write_text(f"OFF\n{len(corners)} 1 0\n{lines}{len(corners)} {numbers}\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return area(read_off(tmp_path / "a.off"))


def test_a_polygon_has_its_area_wherever_it_begins(tmp_path):
    """An arrow head of area 1: a triangle of 3 / 2 less one of 1 / 2. From two of its corners it is not seen whole."""
    arrow = [(0, 0, 0), (1.5, 1, 0), (0, 2, 0), (0.5, 1, 0)]
    for start in range(4):
        assert polygon(tmp_path, *arrow[start:], *arrow[:start]) == pytest.approx(1)
        assert polygon(tmp_path, *reversed(arrow[start:] + arrow[:start])) == pytest.approx(1)


def test_a_polygon_of_many_corners_has_its_area(tmp_path):
    """A hexagon of side 1, standing upright, and a square with a corner in the middle of a side."""
    turn = np.arange(6) * np.pi / 3
    assert polygon(tmp_path, *zip(np.cos(turn), 0 * turn, np.sin(turn), strict=True)) == pytest.approx(1.5 * 3**0.5)
    assert polygon(tmp_path, (0, 0, 0), (1, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0)) == pytest.approx(4)


def test_a_bent_square_is_two_triangles(tmp_path):
    assert polygon(tmp_path, (0, 0, 0), (1, 0, 0.1), (1, 1, 0), (0, 1, 0.1)) == pytest.approx(np.sqrt(1.02), abs=0.01)


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0, 0), (3, 0, 0), (3, 3, 0), (2, 3, 0), (2, 1, 0), (1, 1, 0), (1, 3, 0), (0, 3, 0)],  # a U
        [(0, 0, 0), (1, 1, 0), (1, 0, 0), (0, 1, 0)],  # a bow tie
    ],
)
def test_a_polygon_that_is_seen_whole_from_no_corner_is_refused(tmp_path, corners):
    with pytest.raises(ValueError, match=f"face of {len(corners)} corners .* no fan"):
        polygon(tmp_path, *corners)
