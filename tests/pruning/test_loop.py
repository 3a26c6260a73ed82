"""Does energy fall and accuracy hold, step by step, in the order asked for, and to the same end if it is stopped?"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruning.layer_methods import Method
from pruning.loop import PruningStep, answer, prune
from pruning.rounds import ALL_LAYERS, Limits, Order, Plan, Round
from pruning.shares import Shares
from pruning.state import store_steps, stored_steps
from simulator.errors import PruningError
from tests.pruning.small_network import Agreement, SmallNetwork, energy_of, small_images, small_network

NETWORK = small_network()
ACCURACY = Agreement(NETWORK, small_images(400, seed=2))
CALIBRATION = small_images(256, seed=3)
LIMITS = Limits(min_accuracy=0.9)
Step = PruningStep[SmallNetwork]


def pruned(limits: Limits = LIMITS, plan: Plan | None = None, **options: Any) -> list[Step]:
    return list(steps(limits, plan, **options))


def steps(limits: Limits = LIMITS, plan: Plan | None = None, **options: Any) -> Iterator[Step]:
    given_options = {"images": CALIBRATION, "energy_of": energy_of, "accuracy_of": ACCURACY, **options}
    return prune(NETWORK, limits=limits, plan=plan, **given_options)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(list(Method)), st.sampled_from(list(Order)), st.floats(0.6, 0.99), st.integers(0, 3))
def test_every_step_holds_what_it_promises(method: Method, order: Order, least: float, seed: int) -> None:
    made = pruned(Limits(min_accuracy=least), Plan(method=method, order=order, seed=seed))
    assert made[0].accuracy == 1
    for before, step in pairwise(made):
        assert step.accuracy >= least
        assert step.total_energy <= before.total_energy
        assert step.accuracy == ACCURACY(step.network)
        assert step.energy == energy_of(step.network)
        for name in ("first", "second"):
            gone = before.network.weights(name) == 0
            assert not step.network.weights(name)[gone].any()  # masks nest
            assert step.kept[name] == np.count_nonzero(step.network.weights(name))
        if not step.is_accepted:
            assert step.network is before.network
    assert made[-1].round.removed == 0  # a whole round removed nothing: there was nothing left to win


def test_the_layer_with_most_energy_comes_first_and_takes_the_most() -> None:
    made = pruned()
    assert made[1].layer == "first"
    assert made[1].round.layers == ("first", "second")
    low_first, low_second = made[1].round.floors
    assert 1 > low_first > low_second
    assert low_second == pytest.approx(0.9)
    assert 1 - low_first == pytest.approx(0.1 * made[0].energy["first"] / made[0].total_energy)


@pytest.mark.parametrize(
    ("order", "first"),
    [(Order.INPUT, "first"), (Order.MACS, "first"), (Order.WEIGHTS, "first"), (Order.ENERGY, "second")],
)
def test_other_orders(order: Order, first: str) -> None:
    def dear_second(network: SmallNetwork) -> dict[str, float]:
        return {name: energy * (1 if name == "first" else 100) for name, energy in energy_of(network).items()}

    assert pruned(plan=Plan(order=order), energy_of=dear_second)[1].layer == first


def test_global_magnitude_has_one_threshold_for_all_layers() -> None:
    made = pruned(plan=Plan(method=Method.GLOBAL_MAGNITUDE))
    assert made[1].round.layers == (ALL_LAYERS,)
    last = made[-1].network
    smallest = min(float(np.abs(last.weights(name)[last.weights(name) != 0]).min()) for name in ("first", "second"))
    for name in ("first", "second"):
        weights, gone = NETWORK.weights(name), last.weights(name) == 0
        assert np.abs(weights[gone]).max() <= smallest
    assert sum(made[-1].kept.values()) < sum(made[0].kept.values())


def test_random_order_is_the_seeds() -> None:
    first = {seed: pruned(plan=Plan(order=Order.RANDOM, seed=seed))[1].layer for seed in range(8)}
    assert set(first.values()) == {"first", "second"}
    assert pruned(plan=Plan(order=Order.RANDOM, seed=3))[1].layer == first[3]


def test_least_squares_prunes_further_than_magnitude() -> None:
    ours, baseline = (pruned(plan=Plan(method=method))[-1] for method in (Method.ENERGY_AWARE, Method.MAGNITUDE))
    assert ours.total_energy < baseline.total_energy


def test_energy_that_is_reached_ends_it() -> None:
    made = pruned(Limits(min_accuracy=0.5, target_energy=450.0))
    assert made[-1].total_energy <= 450 < made[-2].total_energy


def test_a_layer_whose_energy_would_rise_stays() -> None:
    """Where zero weights save nothing, and maps happen to cost more."""

    def rising(network: SmallNetwork) -> dict[str, float]:
        return {name: 1000.0 - int(np.count_nonzero(network.weights(name))) for name in ("first", "second")}

    made = pruned(energy_of=rising)
    assert len(made) == 3
    assert not any(step.is_accepted for step in made[1:])
    assert all(step.network is NETWORK for step in made)


def test_trials_are_shown() -> None:
    step = pruned()[1]
    assert step.is_accepted
    assert min(trial.kept for trial in step.trials if trial.measured >= step.round.floors[0]) == step.kept["first"]
    assert len(step.trials) <= 5


def test_predictions_stand_beside() -> None:
    made = pruned(predict_of=lambda network: {name: 2 * each for name, each in energy_of(network).items()})
    assert made[-1].predicted == {name: 2 * each for name, each in made[-1].energy.items()}


def test_a_round_that_fine_tuning_cannot_save_is_taken_back_and_tried_with_half_the_loss() -> None:
    """Tuning that wins nothing back: rounds of 0.2, 0.1 and 0.05, until what is lost is within the limit."""
    tuned: list[tuple[int, float]] = []
    plan = Plan(loss_a_round=0.2)

    def tune(network: SmallNetwork, one: Round) -> SmallNetwork:
        tuned.append((one.number, plan.depth_of(one)))
        return network

    limits = Limits(min_accuracy=0.95)
    made = pruned(limits, plan, fine_tune=tune)
    ends = [step for step in made[1:] if not step.layer]
    assert [number for number, _ in tuned] == [step.round.number for step in ends]
    assert [depth for _, depth in tuned][:2] == [1.0, 0.5]
    assert [step.layer for step in made[:4]] == ["", "first", "second", ""]
    assert (ends[0].round.loss, ends[1].round.loss) == (0.2, 0.1)
    assert not ends[0].is_accepted
    assert ends[0].network is NETWORK
    assert ends[0].trials[0].measured < 0.95 <= ends[0].accuracy
    for end, after in pairwise(ends):
        assert after.round.loss == (end.round.loss if end.is_accepted else end.round.loss / 2)
        assert after.total_energy <= end.total_energy
    assert made[-1] is answer(made, limits)


def test_fine_tuning_that_wins_accuracy_back_makes_room_for_another_round() -> None:
    """The outputs that layers are fitted to are then those of the network as tuned."""
    masks: list[dict[str, Any]] = []

    def tune(network: SmallNetwork, _: Round) -> SmallNetwork:
        masks.append({name: network.weights(name) != 0 for name in ("first", "second")})
        return network.with_weights({name: NETWORK.weights(name) * mask for name, mask in masks[-1].items()})

    plan = Plan(method=Method.MAGNITUDE, loss_a_round=0.1, rounds=3)
    made = pruned(Limits(min_accuracy=0.8), plan, fine_tune=tune)
    ends = [step for step in made[1:] if not step.layer]
    assert [step.round.number for step in ends] == [1, 2, 3]
    assert all(step.reference is step.network for step in ends if step.is_accepted)
    assert any(step.is_accepted for step in ends)
    for before, after in pairwise(masks):
        for name, mask in after.items():
            assert not (mask & ~before[name]).any()


def test_a_round_that_tuning_makes_dearer_than_it_began_is_taken_back() -> None:
    """Though accuracy is won back: its scores are doubled, which costs energy here and changes no choice."""
    doubled = {"second": 2 * NETWORK.weights("second"), "first": NETWORK.weights("first")}

    def energy(network: SmallNetwork) -> dict[str, float]:
        dearer = 1000.0 * np.array_equal(network.weights("second"), doubled["second"])
        return {name: each + dearer for name, each in energy_of(network).items()}

    made = pruned(
        Limits(min_accuracy=0.8),
        Plan(loss_a_round=0.1, rounds=1),
        energy_of=energy,
        fine_tune=lambda network, _: network.with_weights(doubled),
    )
    assert (made[-1].layer, made[-1].is_accepted) == ("", False)
    assert made[-1].network is NETWORK
    assert made[-1].trials[0].measured == 1


def test_certainty_decides_where_training_follows() -> None:
    """Here it falls by what weights are gone; accuracy does not count."""
    whole = sum(np.count_nonzero(NETWORK.weights(name)) for name in ("first", "second"))

    def certainty(network: SmallNetwork) -> float:
        return 0.5 * sum(np.count_nonzero(network.weights(name)) for name in ("first", "second")) / whole

    limits, plan = Limits(min_accuracy=0.05), Plan(loss_a_round=0.2, rounds=1)
    made = pruned(limits, plan, certainty_of=certainty, fine_tune=lambda network, _: network)
    assert made[1].round.floors[-1] == pytest.approx(0.3)
    assert made[2].trials[-1].measured == pytest.approx(certainty(made[2].network), abs=0.05)
    assert certainty(made[-1].network) >= 0.3
    assert made[-1].accuracy == ACCURACY(made[-1].network)
    untrained = pruned(limits, plan, certainty_of=certainty)
    assert untrained[1].round.floors[-1] == pytest.approx(0.05)
    assert certainty(untrained[-1].network) < 0.3


def test_measured_shares_give_what_loses_nothing_its_way() -> None:
    """Accuracy that only the second layer's weights cost, in a network whose energy is mostly the first's."""
    second = np.count_nonzero(NETWORK.weights("second"))

    def accuracy(network: SmallNetwork) -> float:
        return 0.5 + 0.5 * np.count_nonzero(network.weights("second")) / second

    by_energy, measured = (
        pruned(LIMITS, Plan(method=Method.MAGNITUDE, shares=shares), accuracy_of=accuracy)[1].round
        for shares in (Shares.ENERGY, Shares.MEASURED)
    )
    assert by_energy.layers == measured.layers == ("first", "second")
    assert by_energy.floors[0] < 1
    assert measured.floors == pytest.approx((1.0, 0.9))


def test_what_is_measured_before_a_round_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    run = steps(plan=Plan(shares=Shares.MEASURED), measuring=lambda *said: told.append(said))
    next(run)
    assert not told
    next(run)
    assert told == [("first", 0, 2), ("second", 1, 2)]


def test_a_round_that_is_not_trained_leaves_the_reference(tmp_path: Path) -> None:
    """The next is taken back to what it left, and a run resumed there does so too."""

    def tune(network: SmallNetwork, one: Round) -> SmallNetwork:
        return network if one.number == 1 else network.with_weights({"first": -network.weights("first")})

    limits, plan = Limits(min_accuracy=0.8), Plan(loss_a_round=0.05, rounds=2)
    made = pruned(limits, plan, fine_tune=tune)
    first, last = (step for step in made[1:] if not step.layer)
    assert first.reference is NETWORK
    assert not last.is_accepted
    assert last.network is first.network is not NETWORK
    store_steps(tmp_path, {}, made[:5])
    stored = stored_steps(tmp_path, {}, NETWORK)
    again = list(steps(limits, plan, fine_tune=tune, resume=stored[-1]))
    assert np.array_equal(again[-1].network.weights("first"), first.network.weights("first"))


def test_fine_tuning_is_resumed_with_what_it_changed(tmp_path: Path) -> None:
    """Weights of the network that stands, and of the one whose outputs layers are fitted to."""

    def tune(network: SmallNetwork, one: Round) -> SmallNetwork:
        return network.with_weights(
            {name: network.weights(name) * np.float32(1 + one.number / 10) for name in ("first",)}
        )

    limits, plan = Limits(min_accuracy=0.7), Plan(loss_a_round=0.1, rounds=2)
    whole = pruned(limits, plan, fine_tune=tune)
    for stop_at in range(1, len(whole)):
        begun = list(islice(steps(limits, plan, fine_tune=tune), stop_at))
        store_steps(tmp_path, {}, begun)
        stored = stored_steps(tmp_path, {}, NETWORK)
        again = [*stored, *steps(limits, plan, fine_tune=tune, resume=stored[-1])]
        assert [(step.layer, step.kept, step.accuracy) for step in again] == [
            (step.layer, step.kept, step.accuracy) for step in whole
        ]
        assert np.array_equal(again[-1].network.weights("first"), whole[-1].network.weights("first"))


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4])
def test_resumed_it_comes_to_the_same(tmp_path: Path, stop_at: int) -> None:
    whole, identity = pruned(), {"model": "small", "seed": 0}
    begun: list[Step] = []
    for step in steps():
        begun.append(step)
        store_steps(tmp_path, identity, begun)
        if len(begun) == stop_at:
            break
    stored = stored_steps(tmp_path, identity, NETWORK)
    again = [*stored, *steps(resume=stored[-1])]
    assert len(again) == len(whole)
    for one, other in zip(again, whole, strict=True):
        assert (one.round, one.layer, one.kept, one.energy) == (other.round, other.layer, other.kept, other.energy)
        assert (one.accuracy, one.is_accepted, one.trials) == (other.accuracy, other.is_accepted, other.trials)
    for name in ("first", "second"):
        assert np.array_equal(again[-1].network.weights(name), whole[-1].network.weights(name))


def test_what_cannot_be_resumed(tmp_path: Path) -> None:
    assert stored_steps(tmp_path, {}, NETWORK) == ()
    store_steps(tmp_path, {"seed": 0}, pruned()[:2])
    with pytest.raises(PruningError, match=r"steps.json: another run's steps .*; leave --resume out"):
        stored_steps(tmp_path, {"seed": 1}, NETWORK)
    (tmp_path / "steps.json").write_text("{")
    with pytest.raises(
        PruningError, match=r"steps.json: cannot be resumed from \(.*\); leave --resume out to begin again"
    ):
        stored_steps(tmp_path, {"seed": 0}, NETWORK)


def test_only_the_last_weights_are_kept(tmp_path: Path) -> None:
    made = pruned()
    for count in (1, 2, 3):
        store_steps(tmp_path, {}, made[:count])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["steps.json", "weights-3.npz"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"accuracy_of": lambda _: 0.5},
            r"own accuracy is 0.5000, below the limit of 0.9000; lower the limit, or check",
        ),
        ({"accuracy_of": lambda _: float("nan")}, r"own accuracy is nan, below the limit"),
        (
            {"energy_of": lambda _: {"first": float("inf"), "second": 1.0}},
            r"energy inf and accuracy 1.0 of a network; both",
        ),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(PruningError, match=message):
        pruned(**options)


def test_nothing_to_prune() -> None:
    empty = NETWORK.with_weights({name: np.zeros_like(NETWORK.weights(name)) for name in ("first", "second")})
    with pytest.raises(PruningError, match="nothing to prune: no layer has a weight that is not zero"):
        list(prune(empty, images=CALIBRATION, energy_of=energy_of, accuracy_of=ACCURACY, limits=LIMITS))


def test_no_answer() -> None:
    with pytest.raises(PruningError, match=r"no step has an accuracy of 1.5000 or more; lower it"):
        answer(pruned(), Limits(min_accuracy=1.5))


CHANNELS = Plan(channel_rounds=1)


def with_channels(**options: Any) -> list[Step]:
    return pruned(plan=CHANNELS, energy_of=energy_by_filter, **options)


def energy_by_filter(network: SmallNetwork) -> dict[str, float]:
    """A unit a weight, and ten for each filter that is not zero."""
    filters = {layer.name: int(network.weights(layer.name).any(axis=(1, 2, 3)).sum()) for layer in network.layers}
    return {name: 10 * count + float(np.count_nonzero(network.weights(name))) for name, count in filters.items()}


def test_channels_go_first_and_take_their_filters_with_them() -> None:
    made = with_channels()
    assert made[1].round.takes_channels
    assert made[1].round.layers == ("second",)  # the network has one set, which that layer reads
    assert made[1].round.floors[0] == pytest.approx(0.95)  # half of what may be lost is left for the weights
    assert [step.round.takes_channels for step in made[2:4]] == [False, False]
    last = made[-1]
    read = last.network.weights("second").any(axis=(0, 2, 3))
    assert 1 < read.sum() < 20
    assert not last.network.weights("first")[~read].any()
    assert made[1].trials[-1].kept <= 24
    assert sum(energy_by_filter(last.network).values()) < sum(energy_by_filter(pruned()[-1].network).values())


def test_a_round_of_channels_that_removes_nothing_does_not_end_the_run() -> None:
    def only_whole(network: SmallNetwork) -> float:
        """No channel can go without most of the accuracy."""
        return ACCURACY(network) if network.weights("second").any(axis=(0, 2, 3)).all() else 0.1

    made = with_channels(accuracy_of=only_whole)
    assert not made[1].is_accepted
    assert made[2].round.number == 2
    assert made[-1].total_energy < made[0].total_energy


def test_rounds_of_channels_are_judged_after_fine_tuning() -> None:
    seen = []

    def tune(network: SmallNetwork, one: Round) -> SmallNetwork:
        seen.append((one.number, int(network.weights("second").any(axis=(0, 2, 3)).sum())))
        return network

    made = with_channels(fine_tune=tune, limits=Limits(min_accuracy=0.8))
    assert made[1].round.loss == CHANNELS.loss_a_round
    assert seen[0][0] == 1
    assert seen[0][1] < 24
    assert made[2].layer == ""


def test_a_round_of_channels_is_as_deep_as_its_own_loss() -> None:
    plan = Plan(loss_a_round=0.2, channel_loss=0.1)
    one = Round(number=1, loss=0.05, layers=(), floors=(), removed=0)
    assert plan.depth_of(one) == 0.25
    assert plan.depth_of(replace(one, takes_channels=True)) == 0.5


def test_a_run_with_channels_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = with_channels()
    for stop in (1, 2, 3):
        store_steps(tmp_path, {}, whole[: stop + 1])
        (*_, last) = stored_steps(tmp_path, {}, NETWORK)
        rest = with_channels(resume=last)
        assert [step.kept for step in rest] == [step.kept for step in whole[stop + 1 :]]
        assert [step.round for step in rest] == [step.round for step in whole[stop + 1 :]]


def test_magnitude_takes_the_channels_of_the_smallest_filters() -> None:
    plan = Plan(method=Method.MAGNITUDE, channel_rounds=1)
    made = pruned(Limits(min_accuracy=0.5), plan, energy_of=energy_by_filter)
    sizes = np.abs(NETWORK.weights("first")).sum(axis=(1, 2, 3))
    gone = ~made[1].network.weights("first").any(axis=(1, 2, 3))
    assert gone.any()
    assert sizes[gone].max() < sizes[~gone].min()
    kept = made[1].network.weights("second")[:, ~gone]
    assert np.array_equal(kept, NETWORK.weights("second")[:, ~gone])  # nothing is refitted


def test_no_channels_to_take_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmallNetwork, "channels", ())
    with pytest.raises(PruningError, match="no channel can be taken out"):
        with_channels()


def test_a_run_may_go_below_the_limit_between_rounds_if_it_takes_nothing_back() -> None:
    """The tuner does nothing. The answer is within the limit all the same: the last step that is."""

    def tune(network: SmallNetwork, _: Round) -> SmallNetwork:
        return network

    limits = Limits(min_accuracy=0.99)
    plan = Plan(loss_a_round=0.2, rounds=2)
    (*_, strict) = [step for step in pruned(limits, plan, fine_tune=tune) if not step.layer and step.round.number == 1]
    assert not strict.is_accepted
    going = pruned(limits, replace(plan, takes_back=False), fine_tune=tune)
    first = next(step for step in going if not step.layer and step.round.number == 1)
    assert first.is_accepted
    assert first.accuracy < limits.min_accuracy
    assert answer(going, limits).accuracy >= limits.min_accuracy
