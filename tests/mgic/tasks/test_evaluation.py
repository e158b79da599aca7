"""Numbers of an evaluation, by hand, and the error of calibration as torchmetrics has it."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from mgic.tasks.evaluation import Judged, calibration_error


def test_the_calibration_error_is_the_gap_of_each_bin_by_its_samples():
    """Bins of 1/15: three samples in [0.8, 0.8667), two of them right; one of confidence 1, wrong."""
    confidence = torch.tensor([0.80, 0.82, 0.84, 1.0], dtype=torch.float64)
    right = torch.tensor([True, True, False, False])
    by_hand = (3 * abs(2 / 3 - 0.82) + 1 * 1.0) / 4
    assert calibration_error(confidence, right) == pytest.approx(by_hand)


def test_it_is_what_torchmetrics_calls_so():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(500, 7, generator=generator, dtype=torch.float64) * 3
    labels = torch.randint(7, (500,), generator=generator)
    theirs = multiclass_calibration_error(logits.softmax(1), labels, num_classes=7, n_bins=15, norm="l1")
    assert Judged(logits, labels).calibration_error == pytest.approx(theirs.item(), rel=1e-6)


def test_classes_and_confusion_by_hand(tmp_path):
    """Class 0 three times, once taken for 1; class 1 once, right; class 2 never."""
    logits = torch.log(torch.tensor([[8.0, 1, 1], [8, 1, 1], [1, 8, 1], [1, 8, 1]]) / 10)
    judged = Judged(logits, torch.tensor([0, 0, 0, 1]))
    assert judged.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert (judged.top1, judged.top5) == (75.0, 100.0)
    assert judged.balanced_accuracy == pytest.approx(100 * (2 / 3 + 1) / 2)
    assert judged.nll == pytest.approx(-(3 * np.log(0.8) + np.log(0.1)) / 4, rel=1e-6)
    assert judged.calibration_error == pytest.approx(0.05, rel=1e-5)
    judged.save(tmp_path / "predictions.npz", "abc", "def")
    with np.load(tmp_path / "predictions.npz", allow_pickle=False) as kept:
        assert kept["id"].tolist() == [0, 1, 2, 3]
        assert kept["prediction"].tolist() == [0, 0, 1, 1]
        assert (str(kept["dataset_hash"]), str(kept["weights_hash"])) == ("abc", "def")
        np.testing.assert_allclose(kept["loss"].mean(), judged.nll, rtol=1e-6)
        np.testing.assert_allclose(kept["logits"], logits, rtol=1e-3)
