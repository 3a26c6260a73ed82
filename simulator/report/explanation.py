"""Why does a layer cost what it costs? The layer, its mapping, how that was chosen, and its energy term by term.

What is said of layer and mapping is in layer_words.py, of the choice in choice_words.py, of the sum in energy_sum.py.
"""

from dataclasses import asdict, dataclass
from typing import Any

from simulator.mapping.reuse import reuse
from simulator.mapping.usage import pass_shapes, rooms
from simulator.report.choice_words import Choice, Neighbours, choice_text, in_letters, neighbour_rows
from simulator.report.energy_sum import sum_text, terms_of
from simulator.report.layer_words import layer_text, mapping_text, tensor_rows
from simulator.report.text_table import wrapped
from simulator.results import LayerResult, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities

EXCLUDED = (
    "leakage, clock and control: part of every power measured on a chip, in no term here (DEVIATIONS 19)",
    "configuring the array for the layer (DEVIATIONS 13), and biases (DEVIATIONS 18)",
    "time: cycles do not enter the energy. A PE that waits costs nothing, nor does a gated MAC, which takes its cycle",
)
"""What is in no energy shown."""
_PAGE = "docs/how-the-energy-is-counted.md does such a sum by hand, count by count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One layer's estimate, with all that it takes to redo it.

    result      of a network of which this is the only layer
    as_run      the layer as it runs: folded where its filters need it
    densities   those of its tensors
    """

    result: NetworkResult
    as_run: Layer
    accelerator: Accelerator
    densities: Densities
    choice: Choice
    neighbours: Neighbours

    @property
    def of_layer(self) -> LayerResult:
        return self.result.layers[0]

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints; docs/reference.md defines each field."""
        network, layer = self.result.to_dict(), self.of_layer.layer
        shapes = pass_shapes(self.as_run, self.of_layer.mapping).most_common()
        return {
            **{key: network[key] for key in ("network", "method", "arch", "batch", "data")},
            "layer": self.of_layer.to_dict(),
            "shape": {letter: getattr(layer, letter) for letter in "NMCHWEFRSUVG"},
            "padding": list(layer.padding),
            "is_folded": self.of_layer.is_folded,
            "tensors": tensor_rows(layer, self.densities),
            "passes": [{"passes": times, **asdict(shape)} for shape, times in shapes],
            "stores": [asdict(room) for room in rooms(self.of_layer.mapping, self.as_run, self.accelerator)],
            "reuse": asdict(reuse(self.as_run, self.of_layer.mapping)),
            "choice": self.choice.to_dict(),
            "neighbours": neighbour_rows(self.neighbours),
            "energy_unit": self.accelerator.energy.unit,
            "terms": [asdict(term) for term in terms_of(self.of_layer, self.accelerator)],
            "excluded": list(EXCLUDED),
            "notes": network["notes"],
        }


def explanation_text(explanation: Explanation, width: int | None = None) -> str:
    """What `picojoule explain` prints, ending in a newline; lines of at most `width` characters, if given."""
    of_layer, machine = explanation.of_layer, explanation.accelerator
    sections = {
        "The layer": layer_text(of_layer.layer, explanation.densities, width) + _origin(explanation, width),
        f"The mapping: {in_letters(of_layer.mapping)}": mapping_text(of_layer, explanation.as_run, machine, width),
        "Why this mapping": choice_text(of_layer, explanation.choice, explanation.neighbours, width),
        "The energy: counts x table": sum_text(of_layer, explanation.as_run, machine, width),
        "Left out": wrapped("".join(f"  {sentence}\n" for sentence in EXCLUDED) + f"{_PAGE}\n", width),
    }
    return _title(explanation, width) + "".join(
        "\n" + wrapped(f"{heading}\n", width) + f"\n{text}" for heading, text in sections.items()
    )


def _title(explanation: Explanation, width: int | None) -> str:
    result = explanation.result
    return wrapped(
        f"{explanation.of_layer.layer.name} of {result.network}, batch {result.batch}, on {result.arch}; "
        f"all figures {result.method}: in closed form, nothing was run\n",
        width,
    )


def _origin(explanation: Explanation, width: int | None) -> str:
    """Where zeros are from, and what the estimate says of itself."""
    data = explanation.result.provenance
    notes = "".join(f"note: {note}\n" for note in explanation.result.notes)
    return "\n" + wrapped(f"weights {data.weights}, activations {data.activations}: {data.detail}\n{notes}", width)
