"""The solids that are made, batches of clouds, and ModelNet-10 from small files of its format."""

import os

import numpy as np
import pytest
import torch

from mgic.data import dataset_info, modelnet
from mgic.data.point_sets import POINT_SETS, PointBatches, load_points, own_generator
from mgic.data.solids import NOISE, SOLIDS, _turn
from mgic.errors import DataMissing, UnknownName
from tests.mgic.data import made


@pytest.fixture
def furniture(tmp_path, monkeypatch):
    return made.furniture(tmp_path, monkeypatch).data_dir


def test_an_unknown_set_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'modelnet10'"):
        load_points("modelnet40", tmp_path, 16, 0)


def test_the_solids_are_balanced_and_fill_the_unit_ball(tmp_path):
    found = load_points("solids", tmp_path, 64, 0)
    provider = POINT_SETS["solids"]
    assert found.train_points.shape == (provider.train, 3, 64)
    assert found.test_points.shape == (provider.test, 3, 64)
    assert found.train_points.dtype == torch.float32
    assert found.train_labels.bincount().tolist() == [provider.train // 10] * 10
    assert found.test_labels.bincount().tolist() == [provider.test // 10] * 10
    assert found.train_points.norm(dim=1).amax(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    assert found.train_points.mean(dim=2).abs().max() < 1e-5


def test_the_solids_follow_from_the_seed_alone(tmp_path):
    first, again, other = (load_points("solids", tmp_path, 16, seed) for seed in (1, 1, 2))
    assert first.hash == again.hash
    assert torch.equal(first.train_points, again.train_points)
    assert first.hash != other.hash
    shared = (first.train_points[:, None, :16] - first.test_points[None]).abs().amax(dim=(2, 3)).min()
    assert shared > 0.01, "a training cloud is in the test too"


def test_a_sphere_is_round_but_for_stretch_and_noise(tmp_path):
    """Its points are an ellipsoid's: the quadratic form of their spread has one value at all of them."""
    found = load_points("solids", tmp_path, 512, 0)
    label = list(SOLIDS).index("sphere")
    for cloud in found.test_points[found.test_labels == label][:5].double():
        spread = torch.linalg.inv(torch.cov(cloud))
        radius = (cloud * (spread @ cloud)).sum(dim=0).sqrt()
        assert radius.std() / radius.mean() < 5 * NOISE
    box = found.test_points[found.test_labels == list(SOLIDS).index("box")][0].double()
    radius = (box * (torch.linalg.inv(torch.cov(box)) @ box)).sum(dim=0).sqrt()
    assert radius.std() / radius.mean() > 5 * NOISE


def test_a_turn_keeps_lengths_and_handedness():
    turns = [_turn(np.random.default_rng(seed)) for seed in range(200)]
    for turn in turns:
        assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)
    upright = np.diag([0.0, 0.0, 1.0])
    assert np.mean(turns, axis=0) == pytest.approx(upright, abs=0.15), "some direction is preferred, or up is lost"


def test_moves_stretch_and_shift_each_axis():
    clouds = PointBatches(torch.ones(3, 3, 4), torch.arange(3), torch.device("cpu"))
    moves = clouds.draw(torch.Generator().manual_seed(0))
    assert moves.shape == (3, 6)
    assert ((moves[:, :3] >= 2 / 3) & (moves[:, :3] <= 1.5)).all()
    assert (moves[:, 3:].abs() <= 0.2).all()
    points, labels = clouds.take(torch.tensor([2, 0]), moves[[2, 0]])
    assert labels.tolist() == [2, 0]
    assert torch.equal(points[0, :, 1], moves[2, :3] + moves[2, 3:])
    still, _ = clouds.take(slice(0, 2))
    assert torch.equal(still, torch.ones(2, 3, 4))


def test_modelnet_is_read_from_its_files(furniture):
    found = load_points("modelnet10", furniture, 200, 0)
    assert found.train_points.shape == (4, 3, 200)
    assert found.train_labels.tolist() == [0, 0, 1, 1]
    assert found.test_labels.tolist() == [0, 1]
    assert found.train_points.norm(dim=1).amax(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    assert not torch.equal(found.train_points[0], found.train_points[1]), "each file is sampled by itself"
    # Three faces of area 1/2 and one of sqrt(3)/2, in units of which a coordinate's mean is that of 1/6, 1/6, 0, 1/3.
    raw = modelnet.sample_surface(
        modelnet.read_off(furniture / "ModelNet10/bed/train/bed_0001.off"), 50_000, own_generator(0, "x")
    )
    areas = np.array([0.5, 0.5, 0.5, np.sqrt(3) / 2])
    assert raw[:, 0].mean() == pytest.approx((areas * [1 / 3, 1 / 3, 0, 1 / 3]).sum() / areas.sum(), abs=0.01)


def test_what_was_sampled_is_kept_and_read_again(furniture, monkeypatch):
    first = load_points("modelnet10", furniture, 16, 0)
    (kept,) = (furniture / "ModelNet10").glob("sampled-16-*.npz")
    with monkeypatch.context() as patch:
        patch.setattr(modelnet, "read_off", lambda path: pytest.fail("read the files again"))
        assert load_points("modelnet10", furniture, 16, 0).hash == first.hash
    assert load_points("modelnet10", furniture, 16, 1).hash != first.hash
    kept.write_bytes(kept.read_bytes()[:100])
    assert load_points("modelnet10", furniture, 16, 0).hash == first.hash
    assert not list((furniture / "ModelNet10").glob("*.tmp"))


def test_a_changed_file_is_sampled_anew(furniture):
    first = load_points("modelnet10", furniture, 16, 0)
    path = furniture / "ModelNet10/bed/test/bed_0003.off"
    path.write_text(path.read_text().replace("0 0 1\n", "0 0 9\n", 1))
    os.utime(path, ns=(1, 1))
    assert load_points("modelnet10", furniture, 16, 0).hash != first.hash


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(28, "No space left on device")])
def test_a_place_that_takes_no_file_is_no_hindrance(furniture, monkeypatch, error):
    def refuse(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(np, "savez", refuse)
    assert len(load_points("modelnet10", furniture, 16, 0).train_labels) == 4
    assert not list((furniture / "ModelNet10").glob("sampled*"))


def test_an_absent_set_says_how_to_get_it(tmp_path):
    with pytest.raises(DataMissing, match=r"ModelNet10\.zip"):
        load_points("modelnet10", tmp_path, 16, 0)


def test_the_information_is_that_of_the_provider(tmp_path):
    info = dataset_info("modelnet10", tmp_path)
    assert (info.task, info.train, info.test, info.classes, info.present) == ("point cloud", 3991, 908, 10, False)
    assert dataset_info("solids", tmp_path).present
