"""Does training take out the weights that it says, for the energy that it says, and let them come back?"""

import numpy as np
import pytest

pytest.importorskip("torch.onnx")  # not "torch": this folder's own name could pass for it

import torch
from torch import nn

from pruning.fine_tuning import Tuning, examples, fine_tuned
from pruning.gradual import REACHED, SETTLED, GradualPruning, Thinned
from pruning.onnx_network import OnnxNetwork
from pruning.simulated_energy import energies_on
from pruning.torch_graph import trainable_of
from simulator.errors import PruningError
from simulator.spec.load import load_accelerator
from workloads.data_sets import open_labelled
from workloads.trained_models import trained_model

pytestmark = pytest.mark.torch

STEPS = 320


def digits() -> OnnxNetwork:
    return OnnxNetwork.load(trained_model("digits").path)


def drawn(*shape: int, seed: int = 0) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)))


def trained(
    parameters: list[nn.Parameter], gradual: GradualPruning, gradients: list[torch.Tensor], *, until: float = 1.0
) -> None:
    """As a training does, but with the same gradients at each step, and so small a rate that values hardly move."""
    optimizer = torch.optim.SGD(parameters, lr=1e-6)
    for step in range(int(STEPS * until)):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        with gradual.step((step + 1) / STEPS):
            optimizer.step()


def at_price(parameter: nn.Parameter, price: float) -> Thinned:
    """The same of all its weights."""
    return Thinned(parameter=parameter, price=torch.full(parameter.shape, price))


def gone(parameter: nn.Parameter) -> int:
    return int((parameter == 0).sum())


def test_as_much_energy_goes_as_was_asked_for_little_by_little() -> None:
    """To one weight, by the prices; three quarters of a layer's, and so much of it by the schedule before."""
    for share, removed in ((REACHED / 2, 1 - 1 / 8), (REACHED, 1.0), (1.0, 1.0)):
        parameter = drawn(16, 25, seed=1)
        gradual = GradualPruning([at_price(parameter, 2.0)], energy=600.0)
        trained([parameter], gradual, [torch.ones(16, 25)], until=share)
        assert gone(parameter) == np.ceil(300 * removed)


def test_the_weights_that_go_are_those_the_loss_misses_least() -> None:
    """By square, and by the gradient's mean square of their output and of their input."""
    parameter = drawn(8, 30)
    before = parameter.detach().clone()
    by_output, by_input = 0.1 + torch.rand(8, 1), 0.1 + torch.rand(1, 30)
    gradual = GradualPruning([at_price(parameter, 1.0)], energy=100.0)
    trained([parameter], gradual, [by_output * by_input])
    missed = before.square() * (by_output * by_input).square()
    assert set(np.flatnonzero(parameter.detach() == 0)) == set(np.argsort(missed.flatten())[:100].tolist())


def test_a_layer_whose_weights_take_more_energy_loses_more() -> None:
    """Of two layers alike, at four times the price, as if each weight were half as large."""
    cheap, dear = drawn(10, 50), drawn(10, 50)
    before = cheap.detach().clone()
    gradual = GradualPruning(
        [at_price(cheap, 1.0), at_price(dear, 4.0)],
        energy=900.0,
    )
    trained([cheap, dear], gradual, [torch.ones(10, 50)] * 2)
    assert 900 <= gone(cheap) + 4 * gone(dear) < 904
    largest_gone = before[dear == 0].abs().max()
    assert before[cheap == 0].abs().max() == pytest.approx(float(largest_gone) / 2, rel=0.05)


def test_what_costs_no_energy_stays() -> None:
    free, dear = drawn(4, 6), drawn(4, 6)
    gradual = GradualPruning(
        [at_price(free, 0.0), at_price(dear, 1.0)],
        energy=12.0,
    )
    trained([free, dear], gradual, [torch.ones(4, 6)] * 2)
    assert (gone(free), gone(dear)) == (0, 12)


def test_a_weight_that_is_out_comes_back_when_it_learns_until_it_is_settled() -> None:
    """The smallest weight, pushed away from zero from some time on: from the last fifth of the steps is too late."""
    for begins, comes_back in ((0.3, True), (SETTLED, False)):
        parameter = nn.Parameter(torch.linspace(1, 2, 40).reshape(4, 10))
        gradual = GradualPruning([at_price(parameter, 1.0)], energy=10.0)
        optimizer = torch.optim.SGD([parameter], lr=1.0)
        for step in range(STEPS):
            parameter.grad = torch.full((4, 10), 1e-6)
            if step / STEPS >= begins:
                parameter.grad[0, 0] = -0.1
            with gradual.step((step + 1) / STEPS):
                optimizer.step()
        assert bool(parameter[0, 0] != 0) is comes_back
        assert gone(parameter) == 10


def test_prices_may_differ_within_a_layer() -> None:
    """By input: of equals those go first that take more, and fewer of them make up the energy."""
    parameter = nn.Parameter(torch.ones(5, 20))
    price = torch.where(torch.arange(20) < 10, 1.0, 3.0)[None]
    gradual = GradualPruning([Thinned(parameter=parameter, price=price.expand(5, 20))], energy=75.0)
    trained([parameter], gradual, [torch.ones(5, 20)])
    assert gone(parameter) == 25
    assert parameter[:, :10].all()


def test_weights_that_were_zero_stay_zero() -> None:
    parameter = drawn(6, 20)
    parameter.data[:, ::2] = 0
    gradual = GradualPruning([at_price(parameter, 1.0)], energy=20.0)
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    for step in range(STEPS):
        parameter.grad = torch.ones(6, 20) * (parameter != 0)
        with gradual.step((step + 1) / STEPS):
            optimizer.step()
    assert not parameter[:, ::2].any()
    assert gone(parameter) == 60 + 20


def test_a_network_trained_so_is_simulated_with_about_the_energy_asked_for() -> None:
    """Four fifths of what is left of the shipped network, at no more than three points less than training alone gives;
    the same again; no weight comes from nowhere."""
    network, data = digits(), open_labelled("digits", scale=1 / 16)
    first = network.layers[1].name
    sparse = np.where(np.arange(network.weights(first).size).reshape(network.weights(first).shape) % 3, 1, 0)
    network = network.with_weights({first: (network.weights(first) * sparse).astype(np.float32)})
    seen, unseen = data.take(np.arange(900)), data.take(np.arange(900, len(data.labels)))
    batches = examples(seen.images, seen.labels, 32)
    with energies_on(load_accelerator("eyeriss-estimation"), unseen.images[:16]) as energies:
        energy = {0.0: 0.0, 0.2: 0.0}
        accuracy = dict(energy)
        for share in energy:
            tuning = Tuning(epochs=12, learning_rate=0.02, gradual=share)
            tuned = fine_tuned(network, trainable_of(network), batches, tuning, 1, energies=energies)
            energy[share] = sum(energies.of(tuned).values())
            accuracy[share] = (tuned.scores(unseen.images).argmax(axis=1) == unseen.labels).mean()
        again = fine_tuned(network, trainable_of(network), batches, tuning, 1, energies=energies)
        before = sum(energies.of(network).values())
    assert energy[0.2] == pytest.approx(0.8 * before, rel=0.1)
    assert accuracy[0.2] > accuracy[0.0] - 0.03
    assert not (tuned.weights(first) * (1 - sparse)).any()
    for layer in network.layers:
        assert np.array_equal(tuned.weights(layer.name), again.weights(layer.name))


def test_prices_add_up_to_what_a_layer_saves_when_its_smaller_weights_go() -> None:
    """By the closed form, of that layer alone: redone here for one of them."""
    network = digits()
    name = network.layers[1].name
    images = open_labelled("digits", scale=1 / 16).images[:4]
    with energies_on(load_accelerator("eyeriss-estimation"), images) as energies:
        prices = energies.prices(network)
        weights = network.weights(name)
        middle = np.median(np.abs(weights[weights != 0]))
        large = np.where(np.abs(weights) < middle, np.float32(0), weights)
        saved = energies.predicted(network)[name] - energies.predicted(network.with_weights({name: large}))[name]
    gone = np.count_nonzero(weights) - np.count_nonzero(large)
    assert prices[name][weights != 0].mean() == pytest.approx(saved / gone, rel=0.02)
    assert list(prices) == [layer.name for layer in network.layers]


def test_a_weight_that_reads_a_sparse_channel_is_cheaper() -> None:
    """In the order of the channels' densities, the same for all weights that read one, and free for none."""
    network = digits()
    name = network.layers[1].name
    images = open_labelled("digits", scale=1 / 16).images[:4]
    with energies_on(load_accelerator("eyeriss-estimation"), images) as energies:
        prices = energies.prices(network)[name]
    density = np.count_nonzero(network.layer_inputs([name], images)[name], axis=(0, 2, 3))
    by_channel = prices[0, :, 0, 0]
    assert (prices == by_channel[None, :, None, None]).all()
    assert np.unique(density).size > 2
    assert (np.argsort(by_channel, kind="stable") == np.argsort(density, kind="stable")).all()
    assert by_channel.min() > 0


def test_more_than_all_weights_take_is_refused() -> None:
    with pytest.raises(PruningError, match="an energy of 8, and all that are left take 7; ask for less"):
        GradualPruning([at_price(nn.Parameter(torch.arange(8.0).reshape(2, 4)), 1.0)], energy=8.0)


def test_without_energies_it_is_refused() -> None:
    network = digits()
    batches = examples(np.zeros((16, *network.image_shape), np.float32), np.zeros(16, np.int64), 16)
    with pytest.raises(PruningError, match="gradual needs what weights take of the energy; give energies"):
        fine_tuned(network, trainable_of(network), batches, Tuning(epochs=1, gradual=0.5), 1)
