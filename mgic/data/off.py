"""Surfaces in text files of the Object File Format, as it is written in the wild.

Source: http://www.geomview.org/docs/html/OFF.html. ModelNet's files differ from it in that some have the counts on the
line of the word: `OFF490 518 0`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mgic.data.meshes import Mesh

WORD = re.compile(r"((?:ST|[CN4n])*)OFF")
# Numbers that a corner may have beyond its place, by the letters before the word. Colours have 3 or 4; under the bare
# word programs write them too, without saying so.
BEYOND = {"": (0, 3, 4), "C": (3, 4), "N": (3,), "ST": (2,)}
COLOUR = 4  # numbers after the corners of a face, at most
NO_VERTEX = "names a vertex that it does not have, or has one that is no number"
FLAT = 1e-9  # of a polygon's area, how much a triangle of it may turn the other way


def read_off(path: Path) -> Mesh:
    """The surface in a file; colours, normals and what follows the faces are passed over, polygons cut into triangles.

    Raises:
        ValueError: It is no such file, is of a kind that is not read, is cut short, names vertices that it does not
            have, or has a face that cannot be cut; in words that follow "it".
        OSError: It cannot be read.
    """
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    if "#" in text:
        text = re.sub(r"#[^\r\n]*", "", text)
    word = WORD.match(text := text.lstrip())
    if word is None:
        raise ValueError("does not begin with OFF")
    kind, body = word[1], text[word.end() :]
    if body.split(maxsplit=1)[:1] == ["BINARY"]:
        raise ValueError("is of the kind OFF BINARY; save it as text")
    if "4" in kind or "n" in kind:
        raise ValueError(f"is of the kind {kind}OFF, whose vertices have not three coordinates; save it as OFF")
    vertices, faces = (_plain(body) if not kind else None) or _by_lines(kind, body)
    if not np.isfinite(vertices).all():
        raise ValueError(NO_VERTEX)
    return vertices, faces


def _plain(body: str) -> Mesh | None:
    """Read at once where there is nothing but three numbers a vertex and triangles; else None."""
    numbers = _numbers(body)
    if len(numbers) < 3 or not np.isfinite(numbers[:2]).all() or (numbers[:2] != np.rint(numbers[:2])).any():
        return None
    vertex_count, face_count = (int(number) for number in numbers[:2])
    first_face = 3 + 3 * vertex_count
    if vertex_count < 3 or face_count < 1 or len(numbers) != first_face + 4 * face_count:
        return None
    faces = _corners(numbers[first_face:].reshape(-1, 4), vertex_count)
    return None if faces is None else (numbers[3:first_face].reshape(-1, 3), faces)


def _by_lines(kind: str, body: str) -> Mesh:
    """Read line by line: a vertex each, then a face each, behind whose corners may stand a colour."""
    lines = [words for line in body.splitlines() if (words := line.split())]
    counts: list[str] = []
    used = 0
    while len(counts) < 3 and used < len(lines):
        counts += lines[used]
        used += 1
    if len(counts) != 3:
        raise ValueError("has no counts of vertices, faces and edges before its vertices")
    vertex_count, face_count, _ = _whole(counts)
    corners, faces = lines[used:][:vertex_count], lines[used + vertex_count :][:face_count]
    if vertex_count < 3 or face_count < 1 or len(corners) < vertex_count or len(faces) < face_count:
        raise ValueError(f"has not the {vertex_count} vertices and {face_count} faces that it promises, a line each")
    widths, allowed = sorted({len(words) for words in corners}), _widths(kind)
    if len(widths) > 1 or widths[0] not in allowed:
        found, said = (" or ".join(map(str, some)) for some in (widths, allowed))
        raise ValueError(f"has vertices of {found} numbers, where one of the kind {kind}OFF has {said}")
    vertices = _numbers(" ".join(word for words in corners for word in words)).reshape(vertex_count, -1)[:, :3]
    if not np.isfinite(vertices).all():
        raise ValueError(NO_VERTEX)
    return vertices, _faces(faces, vertices)


def _faces(lines: list[list[str]], vertices: np.ndarray) -> np.ndarray:
    """(count, 3): at once where all are triangles, in one colour model; else line by line."""
    numbers = _numbers(" ".join(word for words in lines for word in words))
    width = len(lines[0])
    if 4 <= width <= 4 + COLOUR and all(len(words) == width for words in lines):
        corners = _corners(numbers.reshape(-1, width)[:, :4], len(vertices))
        if corners is not None:
            return corners
    triangles = [triangle for words in lines for triangle in _triangles(words, vertices)]
    if not triangles:
        raise ValueError("has no face with three corners")
    return np.array(triangles, dtype=np.int64)


def _widths(kind: str) -> list[int]:
    """How many numbers a vertex of a kind may have."""
    widths = {3}
    for letters in re.findall(r"ST|[CN]", kind) or [""]:
        widths = {width + beyond for width in widths for beyond in BEYOND[letters]}
    return sorted(widths)


def _corners(faces: np.ndarray, vertex_count: int) -> np.ndarray | None:
    """Of lines of a 3 and three corners, the corners; None where a line is another."""
    if (faces[:, 0] != 3).any() or (faces != np.rint(faces)).any():
        return None
    corners = faces[:, 1:]
    if corners.min() < 0 or corners.max() >= vertex_count:
        raise ValueError(NO_VERTEX)
    return corners.astype(np.int64)


def _triangles(words: list[str], vertices: np.ndarray) -> list[tuple[int, int, int]]:
    """Of a face's line: how many corners, the corners, perhaps a colour. Points and lines have none."""
    count = _whole(words[:1])[0]
    corners = _whole(words[1 : 1 + max(count, 0)])
    if count < 1 or len(corners) < count:
        raise ValueError("has a face with fewer corners than it promises")
    if len(words) > 1 + count + COLOUR:
        raise ValueError(f"has a face with {len(words) - 1 - count} numbers after its corners, more than a colour has")
    if min(corners) < 0 or max(corners) >= len(vertices):
        raise ValueError(NO_VERTEX)
    return _cut(corners, vertices) if count > 3 else [tuple(corners)] * (count == 3)  # type: ignore[list-item]


def _cut(corners: list[int], vertices: np.ndarray) -> list[tuple[int, int, int]]:
    """A polygon as a fan of triangles about a corner from which it is seen whole; one bent inwards has not many."""
    for start in range(len(corners)):
        fan = corners[start:] + corners[:start]
        seen = vertices[fan[1:]] - vertices[fan[0]]
        areas = np.cross(seen[:-1], seen[1:])
        whole = areas.sum(axis=0)
        if (areas @ whole >= -FLAT * (whole @ whole)).all() and (whole.any() or not areas.any()):
            return [(fan[0], fan[at], fan[at + 1]) for at in range(1, len(fan) - 1)]
    raise ValueError(
        f"has a face of {len(corners)} corners that is bent so far inwards that no fan of triangles fills it"
    )


def _whole(words: Iterable[str]) -> list[int]:
    try:
        return [int(word) for word in words]
    except ValueError as error:
        raise ValueError("holds something that is no number where a whole one should be") from error


def _numbers(text: str) -> np.ndarray:
    try:
        numbers: np.ndarray = np.fromstring(text, sep=" ")
    except ValueError as error:
        raise ValueError("holds something that is no number") from error
    return numbers
