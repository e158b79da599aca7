"""Solar cells: the split, and the set that the package has."""

import numpy as np
import pytest

from mgic.data import DATASETS, dataset_info, elpv, load
from mgic.errors import DataMissing
from tests.mgic.data import made


def test_a_fifth_of_each_probability_is_tested_on(tmp_path, monkeypatch):
    made.cells(tmp_path, monkeypatch)
    train_images, train_labels, test_images, test_labels = elpv.read(64, tmp_path)
    shades = test_images[:, 0, 0, 0].tolist()
    assert np.bincount([shade % 4 for shade in shades]).tolist() == [2, 2, 2, 2]
    assert test_labels.tolist() == [int(shade % 4 >= 2) for shade in shades], "1/3 is functional, 2/3 is defective"
    assert (len(train_images), train_labels.tolist().count(1)) == (32, 16)


def test_other_cells_than_the_sets_are_refused(tmp_path, monkeypatch):
    folder = made.cells(tmp_path, monkeypatch).folder
    (folder / "labels.csv").write_text("images/cell0000.png 0.5 mono\n")
    with pytest.raises(DataMissing, match=r"has 1 cells, not 40, or other probabilities \(0\.5\)"):
        load("elpv", tmp_path)


def test_without_the_package_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(elpv, "PACKAGE", "no_such_package")
    with pytest.raises(DataMissing, match=r"pip install .mgic\[photographs\]"):
        load("elpv", tmp_path)


@pytest.mark.thorough
def test_the_set_is_as_it_is_said_to_be(tmp_path):
    """Of the real files: counts, classes, mean and deviation, and what it may be used for."""
    info = dataset_info("elpv", tmp_path)
    assert (info.shape, info.classes, info.train, info.test) == ((1, 64, 64), 2, 2099, 525)
    assert info.licence == "CC BY-NC-SA 4.0"
    found = load("elpv", tmp_path)
    pixels = found.train_images.double() / 255
    assert (pixels.mean().item(), pixels.std().item()) == pytest.approx(
        (*DATASETS["elpv"].mean, *DATASETS["elpv"].std), abs=1e-4
    )
    assert found.train_labels.bincount().tolist() == [1442, 657]
    assert found.test_labels.bincount().tolist() == [361, 164]
