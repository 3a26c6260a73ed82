"""What is each step of pruning worth? One layer alone loses most weights: by magnitude, then step by step better.

    python worth.py --data DIR --dense OUT -o CELLS [--kept 0.1]

No fine-tuning; accuracy is that of `curves`, layers are fitted to train images. Writes worth.csv to CELLS and prints
it: a row a layer, in order of simulated energy.
"""

import argparse
import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from experiment import CALIBRATION_IMAGES, ENERGY_IMAGES, MACHINES, Bench, with_bench

from pruning.judging import Accuracy
from pruning.layer_methods import RESTORED_SHARE, Method, prune_layer
from pruning.magnitude import largest_magnitudes
from pruning.network import Floats
from pruning.restore import restore
from pruning.rounds import Plan
from pruning.samples import Gram, as_columns, as_filters, draw_positions, images_for, layer_gram
from pruning.simulated_energy import energies_on
from pruning.state import write_whole
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator

SAMPLES = Plan().samples
SEED = 0


def weights_by_step(layer: Layer, weights: Floats, gram: Gram, keep: int) -> Mapping[str, Floats]:
    """The layer's weights after each step, the same number kept by all."""
    columns = as_columns(weights, layer.G)
    back = round(RESTORED_SHARE * keep)
    restored = restore(columns, gram, largest_magnitudes(columns, keep - back), back, among=columns != 0)
    return {
        "magnitude": prune_layer(layer, weights, gram, keep, Method.MAGNITUDE),
        "+ restore": as_filters(np.where(restored, columns, 0), weights.shape),
        "+ least squares": prune_layer(layer, weights, gram, keep, Method.ENERGY_AWARE),
        "second-order": prune_layer(layer, weights, gram, keep, Method.SECOND_ORDER),
        "alternating": prune_layer(layer, weights, gram, keep, Method.ALTERNATING),
    }


def rows(bench: Bench, kept: float) -> list[dict[str, str]]:
    """Accuracy in per cent."""
    network, accuracy = bench.network, Accuracy(bench.data.labelled("curves"))
    train = bench.data.labelled("train").images
    drawn = np.random.default_rng((SEED, 1)).choice(len(train), CALIBRATION_IMAGES, replace=False)
    with energies_on(load_accelerator(MACHINES[0]), bench.data.labelled("curves").images[:ENERGY_IMAGES]) as energies:
        energy = energies.of(network)
    found = []
    for layer in sorted(network.layers, key=lambda layer: -energy[layer.name]):
        images = train[drawn[: images_for(layer, SAMPLES)]]
        inputs, weights = network.layer_inputs([layer.name], images)[layer.name], network.weights(layer.name)
        positions = draw_positions(layer, len(images), SAMPLES, SEED)
        gram = layer_gram(layer, inputs, positions, original_inputs=inputs, original_weights=weights)
        steps = weights_by_step(layer, weights, gram, round(kept * weights.size))
        prepared = network.prepared(layer.name)
        scored = {name: accuracy(prepared.with_weights({layer.name: made})) for name, made in steps.items()}
        share = 100 * energy[layer.name] / sum(energy.values())
        found.append(
            {
                "layer": layer.name,
                "share of energy, simulated [%]": f"{share:.1f}",
                "weights kept": str(round(kept * weights.size)),
                **{f"{name} [%]": f"{100 * each:.2f}" for name, each in scored.items()},
            }
        )
        print("  ".join(found[-1].values()), flush=True)
    return found


def run(bench: Bench, kept: float, out: Path) -> None:
    print(
        f"accuracy on curves of the dense network: {100 * Accuracy(bench.data.labelled('curves'))(bench.network):.2f} %"
    )
    found, text = rows(bench, kept), io.StringIO()
    writer = csv.DictWriter(text, list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    write_whole(out / "worth.csv", text.getvalue().encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with CIFAR-10's binary files")
    parser.add_argument("--dense", type=Path, required=True, help="what train.py wrote")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the cells")
    parser.add_argument("--kept", type=float, default=0.1, help="share of the layer's weights")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with_bench(given.dense, given.data, SEED, 1, lambda bench: run(bench, given.kept, given.out))


if __name__ == "__main__":
    main()
