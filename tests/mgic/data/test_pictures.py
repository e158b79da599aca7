"""Pictures: a fixed order, one size, and plain words where they are not there."""

import numpy as np
import pytest
import torch
from PIL import Image

from mgic.data import pictures
from mgic.data.pictures import AVAILABLE, PHOTOGRAPHS, load_pictures
from mgic.errors import BadConfig, DataMissing


def test_the_photographs_come_in_the_same_order_however_many_are_asked_for(tmp_path):
    few, all_ = load_pictures("photographs", 3, 32, tmp_path), load_pictures("photographs", 16, 32, tmp_path)
    assert all_.names == PHOTOGRAPHS
    assert few.names == PHOTOGRAPHS[:3]
    assert few.pixels.shape == (3, 3, 32, 32)
    assert few.pixels.dtype == torch.uint8
    assert all_.pixels[:3].equal(few.pixels)
    assert few.hash != all_.hash == load_pictures("photographs", 16, 32, tmp_path).hash
    assert len({picture.numpy().tobytes() for picture in all_.pixels}) == 16


def test_grey_photographs_have_three_equal_channels(tmp_path):
    found = load_pictures("photographs", 16, 16, tmp_path)
    camera = found.pixels[PHOTOGRAPHS.index("camera")]
    assert camera[0].equal(camera[1])
    assert camera[0].equal(camera[2])
    assert not found.pixels[0][0].equal(found.pixels[0][2])


def test_the_middle_square_is_taken(tmp_path):
    """A wide picture: black and white ends, grey in the middle."""
    pixels = np.full((10, 40, 3), 128, np.uint8)
    pixels[:, :14], pixels[:, 26:] = 0, 255
    made(tmp_path, "n1/wide.png", pixels)
    found = load_pictures("imagenet", 1, 8, tmp_path)
    assert found.names == ("wide",)
    assert (found.pixels == 128).all()


def test_digits_are_left_as_they_are_at_their_own_size(tmp_path):
    found = load_pictures("digits", 100, 8, tmp_path)
    assert found.pixels[:, 0].equal(found.pixels[:, 2])
    assert len({name[0] for name in found.names}) == 10, "not sorted by class"
    assert found.pixels.max() == 255


def test_imagenet_is_a_folder_of_folders_in_a_mixed_order(tmp_path):
    for label in range(4):
        for number in range(5):
            made(tmp_path, f"n{label}/{label}{number}.png", np.full((12, 9, 3), 10 * label + number, np.uint8))
    found = load_pictures("imagenet", 20, 8, tmp_path)
    assert sorted(found.names) == [f"{label}{number}" for label in range(4) for number in range(5)]
    assert list(found.names) != sorted(found.names)
    assert [int(picture.float().mean()) for picture in found.pixels] == [
        10 * int(name[0]) + int(name[1]) for name in found.names
    ]
    assert load_pictures("imagenet", 3, 8, tmp_path).names == found.names[:3]
    with pytest.raises(BadConfig, match="of imagenet there are 20") as caught:
        load_pictures("imagenet", 21, 8, tmp_path)
    assert caught.value.problems[0].pointer == "samples"


def test_absent_imagenet_is_named_with_its_place(tmp_path):
    with pytest.raises(DataMissing, match="imagenet/val"):
        load_pictures("imagenet", 1, 8, tmp_path)


def test_a_damaged_image_is_named(tmp_path):
    made(tmp_path, "n1/good.png", np.zeros((8, 8, 3), np.uint8)).with_name("bad.png").write_bytes(b"no image")
    with pytest.raises(DataMissing, match=r"bad\.png cannot be read"):
        load_pictures("imagenet", 2, 8, tmp_path)


def test_only_pictures_right_in_a_class_count(tmp_path):
    made(tmp_path, "n1/one.png", np.full((8, 8, 3), 7, np.uint8))
    for name in ("._one.png", "Thumbs.db", ".ipynb_checkpoints/one-checkpoint.png", "../__MACOSX/n1/._one.png"):
        path = tmp_path / "imagenet/val/n1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no image")
    assert load_pictures("imagenet", 1, 8, tmp_path).names == ("one",)
    with pytest.raises(BadConfig, match="of imagenet there are 1"):
        load_pictures("imagenet", 2, 8, tmp_path)


def test_a_grey_of_sixteen_bits_is_the_grey_it_was(tmp_path):
    made(tmp_path, "n1/deep.png", np.full((8, 8), 100 * 257, np.uint16))
    assert (load_pictures("imagenet", 1, 8, tmp_path).pixels == 100).all()


def test_without_scikit_image_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    with pytest.raises(DataMissing, match=r"mgic\[pictures\]"):
        load_pictures("photographs", 1, 8, tmp_path)


@pytest.mark.parametrize("name", AVAILABLE)
def test_there_are_as_many_as_is_said(name, tmp_path):
    assert len(load_pictures(name, AVAILABLE[name], 8, tmp_path).names) == AVAILABLE[name]
    with pytest.raises(BadConfig):
        load_pictures(name, AVAILABLE[name] + 1, 8, tmp_path)


def test_an_unknown_set_is_refused(tmp_path):
    with pytest.raises(BadConfig, match="images='paintings'"):
        load_pictures("paintings", 1, 8, tmp_path)


def made(folder, name, pixels):
    path = folder / "imagenet" / "val" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
