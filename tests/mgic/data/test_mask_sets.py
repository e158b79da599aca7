"""The shapes that are made, pieces cut out of pictures, and Cityscapes from small files in its folders."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import Cityscapes

from mgic.data import cityscapes, dataset_info, shapes
from mgic.data.mask_sets import IGNORED, MASK_SETS, SCALES, MaskBatches, cut, load_masks
from mgic.errors import DataMissing, UnknownName
from tests.mgic.data import made

CPU = torch.device("cpu")
WHOLE = [2.5 / len(SCALES), 0.0, 0.0, 0.9]  # at scale 1, from the corner, not mirrored


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(shapes, "TRAIN", 12)
    monkeypatch.setattr(shapes, "TEST", 6)


@pytest.fixture
def streets(tmp_path, monkeypatch):
    return made.streets(tmp_path, monkeypatch).data_dir


def test_an_unknown_set_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'cityscapes'"):
        load_masks("cityscape", tmp_path)


def test_every_class_has_a_name_and_a_colour():
    for provider in MASK_SETS.values():
        assert len(provider.classes) == len(provider.colours) == len(set(provider.classes))


def test_shapes_follow_from_their_number_alone(few, tmp_path, monkeypatch):
    first, again = (load_masks("shapes", tmp_path) for _ in range(2))
    assert first.hash == again.hash
    assert torch.equal(first.train.images, again.train.images)
    monkeypatch.setattr(shapes, "TRAIN", 5)
    fewer = load_masks("shapes", tmp_path)
    assert torch.equal(fewer.train.images, first.train.images[:5])
    assert fewer.hash != first.hash
    alike = (first.train.masks[:, None] == first.test.masks[None]).all(dim=(2, 3))
    assert not alike.any(), "a training picture is in the test too"


def test_every_class_is_common_in_shapes_and_none_is_all_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(shapes, "TRAIN", 100)
    monkeypatch.setattr(shapes, "TEST", 1)
    masks = load_masks("shapes", tmp_path).train.masks
    shares = masks.flatten().bincount() / masks.numel()
    assert len(shares) == len(MASK_SETS["shapes"].classes)
    assert shares.min() > 0.02
    assert shares.max() < 0.75


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("disc", np.pi),
        ("square", 1.6**2),
        ("triangle", 3 * 3**0.5 / 4),
        ("ring", 0.7 * np.pi),
        ("cross", 4 * 0.6 - 0.36),
    ],
)
def test_a_form_has_its_area(name, area):
    side = (np.arange(400) + 0.5) / 200 - 1
    u, v = np.meshgrid(side, side)
    assert shapes.FORMS[name](u, v).mean() * 4 == pytest.approx(area, rel=0.01)


def test_a_later_shape_hides_an_earlier_one_to_the_pixel(monkeypatch):
    """Without stripes and noise a picture has one colour inside a mask, and another one outside."""
    monkeypatch.setattr(shapes, "COUNT", (1, 1))
    monkeypatch.setattr(shapes, "NOISE", 0.0)
    monkeypatch.setattr(shapes, "_texture", lambda down, right, one, rng: np.multiply.outer(one, np.ones(down.shape)))
    image, mask = shapes.picture(np.random.default_rng(0))
    for inside in (mask > 0, mask == 0):
        assert len(np.unique(image[:, inside], axis=1).T) == 1
    assert not np.array_equal(image[:, mask > 0][:, 0], image[:, mask == 0][:, 0])


def test_a_piece_is_a_window_of_picture_and_mask_alike():
    mask = torch.arange(64, dtype=torch.uint8).view(8, 8)
    image = mask.expand(3, 8, 8)
    assert torch.equal(cut(image, mask, WHOLE, 8)[1], mask)
    piece, labels = cut(image, mask, [*WHOLE[:1], 0.99, 0.0, 0.0], 4)
    assert torch.equal(labels, mask[4:, :4].flip(1))
    assert torch.equal(piece[0], labels)


def test_a_piece_is_scaled_without_new_classes():
    mask = torch.zeros(8, 8, dtype=torch.uint8)
    mask[:, 4:] = 9
    image = torch.full((3, 8, 8), 100, dtype=torch.uint8)
    large, labels = cut(image, mask, [0.99, 0.0, 0.5, 0.9], 8)  # twice as large: 4 of 8 columns, from the third on
    assert labels[0].tolist() == [0] * 4 + [9] * 4
    assert (large == 100).all()


def test_beyond_the_picture_nothing_counts():
    image, mask = torch.full((3, 4, 8), 100, dtype=torch.uint8), torch.ones(4, 8, dtype=torch.uint8)
    small, labels = cut(image, mask, [0.0, 0.0, 0.0, 0.9], 4)  # half as large: a window of 8x8
    assert labels.tolist() == [[1] * 4] * 2 + [[IGNORED] * 4] * 2
    assert (small[:, :2] == 100).all()
    assert (small[:, 2:] == 128).all()


def test_batches_are_pieces_with_moves_and_whole_pictures_without(few, tmp_path):
    split = MaskBatches(load_masks("shapes", tmp_path).train, 48, CPU)
    moves = split.draw(torch.Generator().manual_seed(0))
    assert moves.shape == (12, 4)
    choices = [(torch.tensor([3, 7]), moves[[3, 7]]), (slice(0, 3), None)]
    (pieces, labels), (whole, masks) = split.stream(choices)
    assert (pieces.shape, labels.shape, labels.dtype) == ((2, 3, 48, 48), (2, 48, 48), torch.int64)
    assert torch.equal(whole, (split.pictures.images[:3].float() / 128 - 1))
    assert torch.equal(masks, split.pictures.masks[:3].long())
    assert torch.equal(pieces, split.take(*choices[0])[0])


def test_cityscapes_is_read_in_the_order_of_names_with_its_train_ids(streets):
    found = load_masks("cityscapes", streets)
    assert [int(found.train.read(number)[0][0, 0, 0]) for number in (0, 1)] == [20, 10], "aachen, then ulm"
    image, mask = found.test.read(0)
    assert image.shape == (3, 4, 8)
    assert mask[0].tolist() == [0, 0, 11, 11, 11, 255, 255, 255], "road, person, and what is not evaluated"
    assert mask.dtype == image.dtype == torch.uint8


def test_cityscapes_has_the_19_classes_that_are_evaluated():
    provider = MASK_SETS["cityscapes"]
    assert len(provider.classes) == 19
    assert (provider.classes[0], provider.classes[13], provider.classes[18]) == ("road", "car", "bicycle")
    assert sorted(set(cityscapes.TRAIN_IDS.tolist())) == [*range(19), IGNORED]
    theirs = sorted((one.train_id, *one) for one in Cityscapes.classes if 0 <= one.train_id < IGNORED)
    assert [(name, label, colour) for _, name, label, *_, colour in theirs] == list(cityscapes.EVALUATED)
    assert max(one.id for one in Cityscapes.classes) == cityscapes.LAST_LABEL


def test_a_changed_file_changes_the_hash(streets):
    before = load_masks("cityscapes", streets).hash
    assert load_masks("cityscapes", streets).hash == before
    path = streets / "cityscapes/gtFine/val/lindau/lindau_000000_000019_gtFine_labelIds.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 30, (4, 8), dtype=np.uint8)).save(path)
    assert load_masks("cityscapes", streets).hash != before


def test_an_absent_set_says_how_to_get_it(tmp_path):
    with pytest.raises(DataMissing, match=r"gtFine_trainvaltest\.zip"):
        load_masks("cityscapes", tmp_path)


def test_the_information_is_that_of_the_provider(tmp_path):
    info = dataset_info("cityscapes", tmp_path)
    assert (info.task, info.shape, info.classes) == ("segmentation", (3, 1024, 2048), 19)
    assert (info.train, info.test, info.present) == (2975, 500, False)
    assert dataset_info("shapes", tmp_path).present
