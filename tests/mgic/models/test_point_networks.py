"""The networks for point clouds: their cost by closed forms, what they are blind to, and that they learn."""

import io
import warnings
from copy import deepcopy
from threading import Thread

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from mgic.errors import BadConfig
from mgic.layers import MGICBlock
from mgic.measure.cost import count_cost
from mgic.models import create, model_info
from tests.cases import thorough

NAMES = ["dgcnn", "diffgcn", "mgic_diffgcn"]
PLAIN = 2 * 64 * 64  # weights of the two MLPs on points
HEAD = 3 * 64 * 64 + 64 * 10  # of the three after the pooling, and the linear layer


@pytest.fixture(autouse=True)
def _one_thread():
    """Layers this small lose more to waiting for a second thread than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cloud(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def trained_looking(name: str, **options: object) -> nn.Module:
    """A network in evaluation mode whose norms are not those of a fresh one."""
    torch.manual_seed(0)
    model = create(name, **options)
    model.train()
    with torch.no_grad():
        for batch in range(3):
            model(cloud(4, options.get("in_channels", 3), 64, seed=batch))
    return model.eval()


@pytest.mark.parametrize("name", NAMES)
def test_they_read_clouds_of_1024_points(name):
    info = model_info(name)
    assert (info.task, info.input_size, info.smallest) == ("point cloud", (3, 1024), (32,))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("points", [32, 1024])
def test_dgcnn_costs_its_edges(dims, points):
    graph = 2 * dims * 64 + 5 * 2 * 64 * 64
    cost = count_cost(create("dgcnn", in_channels=dims), (dims, points))
    search = (dims + 5 * 64) * points**2  # each layer among what it is given
    assert cost.macs == (10 * graph + PLAIN) * points + HEAD + search
    assert cost.params == graph + PLAIN + HEAD + 10 + 11 * 2 * 64  # the bias, and the norms


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("points", [32, 1024])
def test_diffgcn_costs_its_maps(dims, points):
    graph = (1 + 2 * dims) * 64 * (dims + 5 * 64)
    cost = count_cost(create("diffgcn", in_channels=dims), (dims, points))
    search = dims * points**2  # once, among the positions
    differences = 2 * dims * 10 * (dims + 5 * 64) * points  # of 10 neighbours in each direction, first and second
    assert cost.macs == (graph + PLAIN) * points + HEAD + search + differences
    assert cost.params == graph + PLAIN + HEAD + 10 + 11 * 2 * 64


@pytest.mark.parametrize("group_size", [4, 8, 16])
def test_mgic_diffgcn_costs_its_levels(group_size):
    cost = count_cost(create("mgic_diffgcn", group_size=group_size), (3, 1024))
    # Levels of 64, 32 and 16 channels; R and P take half of c * s each, and the first two levels are grouped.
    transfers = (64 + 32) * group_size
    mixing = 7 * ((64 + 32) * group_size + 16 * 16)
    norms = 2 * (64 + 32 + 16) + 2 * (64 + 32)
    graph = 7 * 3 * 64 + 5 * (transfers + mixing)
    search = 3 * 1024**2
    differences = 2 * 3 * 10 * (3 + 5 * (64 + 32 + 16)) * 1024  # of the channels of every level
    assert cost.macs == (graph + PLAIN) * 1024 + HEAD + search + differences
    assert cost.params == graph + 5 * norms + PLAIN + HEAD + 10 + 6 * 2 * 64
    assert (cost.transfer_params, cost.transfer_macs) == (5 * transfers, 5 * transfers * 1024)
    middle = [level for level in cost.levels if level.channels == 32]
    assert [level.block_macs for level in middle] == 5 * [(7 * 32 * group_size + 2 * 3 * 10 * 32) * 1024]


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [("dgcnn", 0.064, 770), ("diffgcn", 0.167, 180), ("mgic_diffgcn", 0.065, 88)],
)
def test_the_figures_of_the_docstrings(name, params, macs):
    cost = count_cost(create(name), (3, 1024))
    assert (round(cost.params / 1e6, 3), round(cost.macs / 1e6)) == (params, macs)


def test_every_graph_convolution_of_equal_width_is_spread_over_the_levels():
    model = create("mgic_diffgcn", group_size=4, coarsest_size=32, coarsening="released")
    blocks = [module for module in model.modules() if isinstance(module, MGICBlock)]
    assert [[level.channels for level in block.levels] for block in blocks] == [[64, 32, 16]] * 5


def test_a_width_that_cannot_be_halved_names_the_option_to_change():
    with pytest.raises(BadConfig, match="coarsest_size=1 ") as caught:
        create("mgic_diffgcn", coarsest_size=1, coarsening="released")
    assert caught.value.problems[0].pointer == "coarsest_size"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_order_of_the_points_does_not_matter(name, dims):
    model = trained_looking(name, in_channels=dims).double()
    x = cloud(2, dims, 50, seed=9).double()
    shuffled = x[:, :, torch.randperm(50, generator=torch.Generator().manual_seed(1))]
    with torch.no_grad():
        y = model(x)
        torch.testing.assert_close(model(shuffled), y)
        assert not torch.isclose(model(cloud(2, dims, 50, seed=8).double()), y).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_cloud_of_a_batch_is_judged_alone(name):
    model, x = trained_looking(name), cloud(3, 3, 40)
    with torch.no_grad():
        torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_as_many_neighbours_as_points_are_refused_and_not_made_fewer(name):
    assert create(name, neighbours=7).eval()(cloud(2, 3, 8)).shape == (2, 10)
    with pytest.raises(BadConfig, match="a cloud has 8 points: at most 7"):
        create(name, neighbours=8).eval()(cloud(2, 3, 8))


@pytest.mark.parametrize("name", ["diffgcn", "mgic_diffgcn"])
def test_no_graph_is_left_after_a_pass_or_a_failed_one(name):
    model = create(name).eval()
    model(cloud(2, 3, 32))
    model.layers[5].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model(cloud(2, 3, 32))
    with pytest.raises(RuntimeError, match="outside the forward pass"):
        model.layers(cloud(2, 3, 32))


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_computes_the_same_and_is_apart(name):
    model, x = trained_looking(name), cloud(2, 3, 40)
    copied = deepcopy(model)
    with torch.no_grad():
        y = model(x)
        assert torch.equal(copied(x), y)
        for parameter in model.parameters():
            parameter.zero_()
        assert torch.equal(copied(x), y)


def test_two_threads_may_use_one_network():
    model = trained_looking("mgic_diffgcn")
    clouds = [cloud(1, 3, points, seed=points) for points in (64, 96)]
    with torch.no_grad():
        alone = [model(x) for x in clouds]
    wrong: list[int] = []

    def run(which: int) -> None:
        with torch.no_grad():
            wrong.extend(which for _ in range(10) if not torch.allclose(model(clouds[which]), alone[which], atol=1e-4))

    threads = [Thread(target=run, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient_and_the_same_one_again(name):
    torch.manual_seed(0)
    model, x = create(name, num_classes=7).train(), cloud(8, 3, 32)
    seen = []
    for _ in range(2):
        model.zero_grad()
        nn.functional.cross_entropy(model(x), torch.arange(8) % 7).backward()
        seen.append({key: parameter.grad.clone() for key, parameter in model.named_parameters()})
    for key, gradient in seen[0].items():
        assert gradient.isfinite().all(), key
        assert gradient.any(), key
        assert torch.equal(gradient, seen[1][key]), key


@pytest.mark.parametrize("name", ["mgic_diffgcn", *thorough("diffgcn", "dgcnn")])
def test_it_runs_outside_torch_with_the_same_logits(name):
    model = trained_looking(name)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter itself
        torch.onnx.export(model, (cloud(2, 3, 64),), file, dynamo=False, opset_version=17)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    x = cloud(2, 3, 64, seed=5)  # not the one it was traced with
    (logits,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(logits), model(x), rtol=1e-3, atol=1e-3)


def surfaces(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """64 points each on spheres (class 0) and cubes (class 1), all of mean radius 1, drawn anew for each seed."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    spheres = torch.randn(count, 3, 64, generator=generator)
    cubes = 2 * torch.rand(count, 3, 64, generator=generator) - 1
    spheres = spheres / spheres.norm(dim=1, keepdim=True)
    cubes = cubes / cubes.abs().amax(1, keepdim=True)  # onto the faces
    x = torch.where(labels.view(-1, 1, 1) == 1, cubes, spheres)
    return x / x.norm(dim=1).mean(1).view(-1, 1, 1), labels


@pytest.mark.parametrize("name", thorough("mgic_diffgcn", "diffgcn", "dgcnn"))  # test_point_cloud.py tells solids apart
def test_it_learns_to_tell_spheres_from_cubes(name):
    torch.manual_seed(0)
    model = create(name, num_classes=2)
    steps = 60
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    for step in range(steps):
        x, labels = surfaces(16, seed=step)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), labels).backward()
        optimiser.step()
        schedule.step()
    x, labels = surfaces(100, seed=1000)
    with torch.no_grad():
        right = (model.eval()(x).argmax(1) == labels).float().mean().item()
    assert right > 0.9
