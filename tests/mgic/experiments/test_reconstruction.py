"""The order of Table 1 on a trained network's maps, against the bound and against the files left behind."""

import hashlib

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision
from pydantic import ValidationError

from mgic.data import features
from mgic.data.features import first_layer
from mgic.data.pictures import load_pictures
from mgic.errors import BadConfig, Cancelled, DataMissing
from mgic.experiments.classification import Config as Classification
from mgic.experiments.classification import classification
from mgic.experiments.reconstruction import Config, estimate, reconstruction
from mgic.records import InputRun
from tests.mgic.data.test_pictures import made
from tests.silent import SilentContext

SIZES = (32, 16, 8, 4)
OWN = {"weights": "own", "network": "resnet20", "trained_on": "digits"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict:
    """Each group size over the first five photographs: its result and its context."""
    found = {}
    for size in SIZES:
        context = SilentContext(tmp_path_factory.mktemp(f"s_g_{size}"))
        found[size] = reconstruction(Config(group_size=size, samples=5), context), context
    return found


def arrays(context: SilentContext) -> dict[str, np.ndarray]:
    with np.load(context.folder / "artifacts" / "gallery.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_the_error_grows_as_the_groups_shrink_as_in_table_1(runs):
    mse = {size: result.mse for size, (result, _) in runs.items()}
    assert mse[32] <= mse[16] * 1.001, "the paper's neighbours are near each other too"
    assert 5 * mse[16] < mse[8]
    assert 1.5 * mse[8] < mse[4]


def test_no_error_is_below_the_bound_and_all_channels_together_reach_it(runs):
    bound = {result.mse_pca for result, _ in runs.values()}
    assert len({round(one, 12) for one in bound}) == 1
    assert all(result.mse >= result.mse_pca * (1 - 1e-9) for result, _ in runs.values())
    assert runs[32][0].mse < 1.001 * runs[32][0].mse_pca


def test_the_bound_is_that_of_a_singular_value_decomposition_of_the_maps(runs, tmp_path):
    layer = first_layer("efficientnet_lite0", "convolution", tmp_path)
    maps = layer(load_pictures("photographs", 5, 224, tmp_path).pixels).double()
    x = maps.permute(1, 0, 2, 3).reshape(32, -1).numpy()
    values = np.linalg.svd(x, compute_uv=False)
    result, _ = runs[8]
    assert result.mse_pca == pytest.approx((values[8:] ** 2).sum() / x.size, rel=1e-6)
    assert result.variance == pytest.approx(x.var(axis=1).mean(), rel=1e-6)
    assert result.relative_mse == pytest.approx(result.mse / result.variance)


def test_the_pass_over_the_maps_agrees_with_the_formula_of_the_fit(runs):
    for result, context in runs.values():
        _, last = context.curves["recon/mse"][-1]
        assert result.mse == pytest.approx(last, rel=1e-6)


def test_the_curve_falls_and_ends_with_the_last_iteration(runs):
    result, context = runs[4]
    points = context.curves["recon/mse"]
    assert points[-1][0] == result.iterations_done
    assert points[0][1] > 2 * points[-1][1]
    assert result.converged


def test_parameters_are_those_of_r_and_p(runs):
    """Of 32 channels: 2 * 32/2 * s + 2 * 16/2 * min(s, 16), as the second level has 16 channels."""
    assert [result.params for result, _ in runs.values()] == [1280, 768, 384, 192]
    assert all(result.macs == result.params * 112**2 for result, _ in runs.values())
    assert [row.effective_group_size for row in runs[32][0].levels] == [32, 16, 8]


def test_the_levels_name_what_r_has_lost_and_what_p_cannot_express(runs):
    for result, _ in runs.values():
        assert [row.width for row in result.levels] == [32, 16, 8]
        assert result.levels[-1].level_pca == pytest.approx(result.mse_pca)
        worst = max(result.levels[-1].restriction_mse, result.levels[-1].prolongation_mse)
        assert result.mse_pca * (1 - 1e-9) <= worst <= result.mse * (1 + 1e-9)


def test_all_runs_show_the_same_samples_channels_and_maps(runs):
    first = arrays(runs[32][1])
    assert list(first["names"]) == ["astronaut", "coffee", "chelsea", "china"]
    for _, context in runs.values():
        other = arrays(context)
        for name in ("names", "channels", "inputs", "maps"):
            np.testing.assert_array_equal(first[name], other[name])
    assert len({result.input_hash for result, _ in runs.values()}) == 1


def test_what_is_kept_is_what_was_measured(runs):
    """The error of a map from the arrays, and the coarsest maps through the product of all R."""
    for _, context in runs.values():
        kept = arrays(context)
        error = ((kept["maps"].astype(float) - kept["reconstructions"]) ** 2).mean((2, 3))
        np.testing.assert_allclose(error, kept["mse"], rtol=0.02, atol=1e-6)
        np.testing.assert_allclose(
            kept["restriction"], kept["restriction_1"] @ kept["restriction_0"], rtol=1e-5, atol=1e-6
        )
        assert kept["coarsest"].shape == (4, 8, 56, 56)


def test_the_files_are_there_and_small(runs):
    _, context = runs[8]
    left = {path.name: path.stat().st_size for path in (context.folder / "artifacts").iterdir()}
    assert left.keys() == {"gallery.npz"} | {
        f"{name}.png" for name in ("inputs", "maps", "coarsest", "reconstructions", "errors", "restriction")
    }
    assert left.pop("gallery.npz") < 2_000_000
    assert max(left.values()) < 500_000


def test_the_effective_group_sizes_are_said(runs):
    _, context = runs[32]
    assert "32 -> 16 -> 8 channels in groups of 32, 16" in context.lines[0]


@pytest.mark.thorough
def test_after_the_activation_the_order_is_the_same(tmp_path):
    results = [
        reconstruction(Config(group_size=size, layer="activation", samples=3), SilentContext(tmp_path))
        for size in SIZES
    ]
    mse = [result.mse for result in results]
    assert mse[0] <= mse[1] * 1.001
    assert mse[1] < mse[2] < mse[3]


def test_the_same_seed_gives_the_same_and_another_one_nearly(tmp_path):
    one, again, other = (
        reconstruction(Config(samples=2, seed=seed), SilentContext(tmp_path)).mse for seed in (0, 0, 1)
    )
    assert one == again
    assert other == pytest.approx(one, rel=1e-2)


def test_the_papers_own_setting_runs_on_files_of_its_format(tmp_path, monkeypatch):
    """ResNet-50's 64 maps over a folder of images: weights drawn, not trained, in a file as torchvision's."""
    torch.manual_seed(0)
    folder = tmp_path / "data" / "hub"
    folder.mkdir(parents=True)
    torch.save(torchvision.models.resnet50().state_dict(), folder / "made")
    name = f"resnet50-{hashlib.sha256((folder / 'made').read_bytes()).hexdigest()[:8]}.pth"
    (folder / "made").rename(folder / name)
    monkeypatch.setattr(features, "RESNET50_FILE", name)
    rng = np.random.default_rng(0)
    for number in range(3):
        made(tmp_path / "data", f"n{number}/{number}.png", rng.integers(0, 256, (40, 60, 3), dtype=np.uint8))
    config = Config(features="resnet50", images="imagenet", samples=3, group_size=16, iterations=20)
    result = reconstruction(config, SilentContext(tmp_path))
    assert (result.maps, result.map_side, result.params) == (64, 112, 1792)
    assert result.macs == 1792 * 112**2


def test_a_network_trained_here_is_taken_by_its_run(tmp_path):
    context = SilentContext(tmp_path)
    trained = Classification(model="resnet20", dataset="digits", width=8, max_steps=1)
    classification(trained, context)
    context.inputs["trained"] = tmp_path / "artifacts"
    run = InputRun(experiment="classification", config=trained.model_dump(mode="json"))
    asked = {"trained": "a", "images": "digits", "samples": 50, "coarsest_size": 4}
    config = Config(**Config.following(asked, {"trained": run}))
    assert (config.features, config.network, config.trained_on) == ("own", "resnet20(width=8)", "digits")
    result = reconstruction(config, context)
    assert (result.maps, result.map_side, len(result.weights_hash or "")) == (8, 8, 16)
    assert arrays(context)["maps"].shape == (4, 6, 8, 8)
    with pytest.raises(BadConfig, match="network follows from trained"):
        Config.following({**asked, "network": "resnet20"}, {"trained": run})


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("features", {"features": "vgg"}),
        ("layer", {"layer": "pool"}),
        ("layer", {**OWN, "layer": "activation"}),
        ("features", {"features": "own"}),
        ("features", {**OWN, "features": "resnet50"}),
        ("network", {"network": "resnet20"}),
        ("network", {**OWN, "network": None}),
        ("network", {**OWN, "network": "resnet20(depth=3)"}),
        ("trained_on", {**OWN, "trained_on": "nothing"}),
        ("weights", {**OWN, "weights": "../../etc/passwd"}),
        ("images", {"images": "paintings"}),
        ("samples", {"samples": 0}),
        ("samples", {"samples": 17}),
        ("samples", {"images": "digits", "samples": 1438}),
        ("group_size", {"group_size": 0}),
        ("coarsest_size", {"coarsest_size": 0}),
        ("coarsest_size", {"coarsest_size": 32}),
        ("coarsest_size", {"features": "resnet50", "coarsest_size": 64}),
        ("coarsest_size", {**OWN, "coarsest_size": 16}),
        ("coarsening", {"coarsening": "never"}),
        ("iterations", {"iterations": 0}),
        ("seed", {"seed": -1}),
    ],
)
def test_a_bad_value_is_refused_at_its_field(field, given):
    with pytest.raises(ValidationError) as caught:
        Config(**given)
    assert {error["loc"] for error in caught.value.errors()} == {(field,)}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("group_size", {"group_size": 1}),
        ("coarsest_size", {**OWN, "network": "resnet20(width=18)", "coarsest_size": 4}),
    ],
)
def test_sizes_that_do_not_go_together_are_refused_before_anything_runs(field, given):
    with pytest.raises(BadConfig) as caught:
        estimate(Config(**given))
    assert caught.value.problems[0].pointer == field


def test_the_estimate_is_the_cost_of_the_run(runs):
    for size, (result, _) in runs.items():
        found = estimate(Config(group_size=size, samples=5))
        assert (found.cost.params, found.cost.macs) == (result.params, result.macs)
        assert found.group_sizes == tuple(
            sorted({row.effective_group_size for row in result.levels[:-1]}, reverse=True)
        )


def test_missing_weights_end_the_run_before_any_picture_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    context = SilentContext(tmp_path)
    with pytest.raises(DataMissing, match="not on this machine"):
        reconstruction(Config(features="resnet50", images="imagenet", samples=1024), context)
    assert context.progress == [0.0]


def test_maps_without_anything_in_them_are_refused(tmp_path):
    """Of a network whose first convolution has only zeros."""
    context = SilentContext(tmp_path)
    classification(Classification(model="resnet20", dataset="digits", max_steps=1), context)
    left = tmp_path / "artifacts" / "model.safetensors"
    state = safetensors.torch.load_file(left)
    next(one for one in state.values() if one.shape[1:] == (1, 3, 3)).zero_()
    (context.data_dir / "weights").mkdir(parents=True)
    (context.data_dir / "weights" / "own.safetensors").write_bytes(safetensors.torch.save(state))
    config = Config(**OWN, images="digits", samples=2)
    with pytest.raises(BadConfig, match="constant") as caught:
        reconstruction(config, context)
    assert caught.value.problems[0].pointer == "images"


@pytest.mark.parametrize("at", [0.1, 0.3, 0.9])
def test_it_can_be_cancelled_in_every_phase(tmp_path, at):
    with pytest.raises(Cancelled):
        reconstruction(Config(samples=2, iterations=400), SilentContext(tmp_path, cancel_at=at))
