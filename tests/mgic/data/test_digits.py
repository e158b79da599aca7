"""The set that ships."""

import torch

from mgic.data import dataset_info, fetch, load


def test_digits_are_split_1437_to_360_with_equal_shares(tmp_path):
    digits = load("digits", tmp_path)
    assert digits.shape == (1, 8, 8)
    assert (len(digits.train_labels), len(digits.test_labels)) == (1437, 360)
    share = digits.test_labels.bincount() / (digits.test_labels.bincount() + digits.train_labels.bincount())
    assert torch.all((share - 0.2).abs() < 0.005)


def test_the_split_loses_and_doubles_nothing(tmp_path):
    digits = load("digits", tmp_path)
    # The 1797 labels of the set sum to 8070.
    assert digits.train_labels.sum() + digits.test_labels.sum() == 8070
    images = torch.cat((digits.train_images, digits.test_images)).flatten(1)
    assert len(torch.unique(images, dim=0)) == 1797


def test_pixels_use_the_whole_byte(tmp_path):
    digits = load("digits", tmp_path)
    assert digits.train_images.dtype == torch.uint8
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)


def test_mean_and_std_are_those_of_the_training_images(tmp_path):
    digits = load("digits", tmp_path)
    pixels = digits.train_images.double() / 255
    assert abs(pixels.mean() - digits.mean[0]) < 1e-4
    assert abs(pixels.std() - digits.std[0]) < 1e-4


def test_a_mirrored_digit_is_no_digit(tmp_path):
    assert load("digits", tmp_path).flip is False


def test_the_hash_is_the_same_each_time_and_pinned(tmp_path):
    # Pinned: another scikit-learn, or another split, must not go unnoticed in results.
    assert load("digits", tmp_path).hash == "c1187c6754b36a66"


def test_digits_are_present_without_a_folder(tmp_path):
    fetch("digits", tmp_path)
    assert dataset_info("digits", tmp_path / "absent").present
