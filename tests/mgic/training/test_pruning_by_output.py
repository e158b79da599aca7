"""ThiNet, channel pruning by regression and NISP, against networks in which it is known what can go."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mgic.data import load
from mgic.data.batches import train_and_test
from mgic.training import generator
from mgic.training.channel_groups import find_groups, remove, widths
from mgic.training.pruning import cp, nisp, score, thinet
from mgic.training.pruning.reading import batches_of, read
from tests.mgic.training.prunable import IMAGE, Mixed, chain, shaken


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    whole = load("digits", tmp_path_factory.mktemp("data"))
    small = replace(whole, train_images=whole.train_images[:64], train_labels=whole.train_labels[:64])
    return train_and_test(small, torch.device("cpu"))[0]


BATCHES = [torch.arange(0, 24), torch.arange(24, 64)]


def first_group(model):
    return next(group for group in find_groups(model, IMAGE) if group.slices[0].layer == "0")


def with_a_copy():
    """Channel 2 of the first layer gives what channel 1 does; channel 0 gives little, channel 3 nothing."""
    model = shaken(chain())
    with torch.no_grad():
        model[1].bias.fill_(1)
        for tensor in (model[0].weight, model[0].bias, *model[1].state_dict().values()):
            if tensor.dim():
                tensor[2] = tensor[1]
        model[1].weight[0] = model[1].bias[0] = 1e-3
        model[1].weight[3] = model[1].bias[3] = 0
    return model


def outputs(model, split):
    with torch.inference_mode():
        return model[:4](split.take(slice(0, 64))[0])


def choose(method, model, split, count):
    groups = [first_group(model)]
    chosen = [one for found in method.choose(model, groups, [count], split, BATCHES, generator(0)) for one in found]
    remove(model, groups, chosen)
    return {channel for _, channel in chosen}


def test_what_a_layer_reads_is_what_its_output_is_made_of(digits):
    """Every place of the 8x8 maps would be 64 a picture; 10 are drawn, and their sums are those of x and of x W."""
    model = shaken(chain())
    (reading,) = read(model, first_group(model), digits, BATCHES, generator(0))
    assert reading.weight.shape == (4 * 9, 3)
    torch.testing.assert_close(reading.xy, reading.xx @ reading.weight)
    gram, towards = reading.contributions(4)
    total = (reading.weight * reading.xy).sum()
    torch.testing.assert_close(gram.sum(), total)
    torch.testing.assert_close(gram.sum(1), towards)
    head = next(group for group in find_groups(model, IMAGE) if group.slices[0].layer == "3")
    (of_head,) = read(model, head, digits, BATCHES, generator(0))
    features = model[:8](digits.take(slice(0, 64))[0]).detach().double()
    torch.testing.assert_close(of_head.xx, features.T @ features, rtol=1e-5, atol=1e-6)


def test_thinet_takes_greedily_what_the_sum_misses_least():
    """Alone the last channel is missed more than the second, 4.41 against 4; without the first it is 1.21 against 5."""
    z = torch.tensor([[1.0, 0.0, -2.1], [0.0, 2.0, 0.0]], dtype=torch.float64)
    assert thinet.least_missed(z.T @ z, 3) == [0, 2, 1]
    scales = thinet.scales_of(z.T @ z, [0])
    assert scales.tolist() == pytest.approx([0, 1, 1.1 / 2.1])  # -2.1 is to give the sum of 1 and -2.1


def test_thinet_removes_a_channel_that_gives_nothing_then_one_that_gives_little(digits):
    model = with_a_copy()
    before = outputs(model, digits)
    assert choose(thinet, model, digits, 1) == {3}
    torch.testing.assert_close(outputs(model, digits), before, rtol=0, atol=1e-5)
    assert choose(thinet, model, digits, 1) == {0}
    torch.testing.assert_close(outputs(model, digits), before, rtol=0, atol=0.02)


def test_thinets_scales_make_up_for_a_copy_to_the_digit(digits):
    """The next layer reads both alike, so that the one that stays counts twice."""
    model = with_a_copy()
    with torch.no_grad():
        model[3].weight[:, 2] = model[3].weight[:, 1]
        model[3].weight[:, [1, 2]] *= 1e-2  # so that they go before channel 0, made large
        model[1].weight[0] = model[1].bias[0] = 30
    before, weight = outputs(model, digits), model[3].weight[:, 1].clone()
    gone = choose(thinet, model, digits, 2)
    assert 3 in gone
    assert gone & {1, 2}
    torch.testing.assert_close(outputs(model, digits), before, rtol=0, atol=1e-4)
    torch.testing.assert_close(model[3].weight[:, 1], 2 * weight, rtol=1e-3, atol=1e-6)


def test_cp_drops_what_is_redundant_and_restores_the_output(digits):
    model = with_a_copy()
    model[1].weight.data[0] = model[1].bias.data[0] = 1
    before = outputs(model, digits)
    gone = choose(cp, model, digits, 2)
    assert 3 in gone
    assert len(gone & {1, 2}) == 1
    torch.testing.assert_close(outputs(model, digits), before, rtol=0, atol=1e-5)


def test_lasso_keeps_the_channels_with_the_largest_part():
    """With an orthogonal z, beta is z^T y shrunk by lambda: the largest stay."""
    assert cp.lasso(torch.eye(4).double(), torch.tensor([3.0, -4.0, 1.0, 2.0]).double(), 2) == {0, 1}
    assert cp.lasso(torch.eye(4).double(), torch.tensor([0.0, 2.0, 0.0, 0.0]).double(), 2) == {0, 1}


def test_nisp_passes_importance_back_through_absolute_weights():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4))
    with torch.no_grad():
        model[2].weight.copy_(torch.tensor([[1.0, -2.0], [0.0, 3.0], [-5.0, 0.5]]))
    final = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
    found = nisp.propagate(model, "4", final, torch.Size((1, 2)), ["0", "2"])
    assert found["2"].tolist() == pytest.approx([0.5, 0.2, 0.3])
    assert found["0"].tolist() == pytest.approx([0.5 * 1 + 0.3 * 5, 0.5 * 2 + 0.2 * 3 + 0.3 * 0.5])


def test_nisp_counts_norms_places_and_every_branch(digits):
    model = shaken(Mixed())
    groups = find_groups(model, IMAGE)
    found = nisp.importance(model, groups, digits, BATCHES)
    scores = [score(model, group, "nisp", found) for group in groups]
    assert [len(values) for values in scores] == [group.channels for group in groups]
    # By hand: what a channel behind the inner norm is worth to the sum, times what a channel of the sum is worth.
    inner = next(values for values, group in zip(scores, groups, strict=True) if group.channels == 5)
    sums = nisp.propagate(model, "head", _final(model, digits), torch.Size((1, *IMAGE)), ["inner.3"])["inner.3"]
    expected = model.inner[3].weight.detach().abs()[:, :, 0, 0].double().T @ sums
    torch.testing.assert_close(inner, expected.float(), rtol=1e-4, atol=0)


def _final(model, split):
    seen = []
    handle = model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    model(split.take(slice(0, 64))[0])
    handle.remove()
    return nisp.infinite_feature_selection(seen[0].double())


def test_inf_fs_prefers_what_spreads_and_is_unlike_the_others():
    base = torch.linspace(-1, 1, 40, dtype=torch.float64)
    other = torch.randn(40, generator=torch.Generator().manual_seed(0), dtype=torch.float64).clamp(-1, 1)
    found = nisp.infinite_feature_selection(torch.stack([base, 2 * base, other, 0 * base], 1))
    assert found.sum() == pytest.approx(1)
    assert found.argmin() == 3  # never changes
    assert found[1] > found[0]  # the same ranks, twice the spread


@pytest.mark.parametrize("method", [thinet, cp])
def test_layers_after_a_concatenation_and_inside_a_sum_are_read_too(digits, method):
    model = shaken(Mixed())
    groups = [group for group in find_groups(model, IMAGE) if group.channels in (4, 5)]
    before = widths(model)
    chosen = [one for found in method.choose(model, groups, [2, 2], digits, BATCHES, generator(0)) for one in found]
    masked = model(digits.take(slice(0, 8))[0])
    remove(model, groups, chosen)
    torch.testing.assert_close(model(digits.take(slice(0, 8))[0]), masked, rtol=1e-4, atol=1e-5)
    assert sum(before[name][1] - width for name, (_, width) in widths(model).items()) == 4


def test_a_sample_is_drawn_without_repetition(digits):
    drawn = torch.cat(batches_of(digits, 1000, 10, generator(0, "sample")))
    assert sorted(drawn.tolist()) == list(range(64))
    assert len(torch.cat(batches_of(digits, 20, 16, generator(0)))) == 20
