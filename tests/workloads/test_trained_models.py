"""Is the trained network that is shipped the one that its description describes, and does it reach what that says?"""

import hashlib

import numpy as np
import pytest

from simulator.errors import WorkloadError
from workloads.data_sets import DIGITS_SEED, DIGITS_SIZES, open_labelled
from workloads.trained_models import TrainedModel, trained_model, trained_names

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def digits() -> TrainedModel:
    return trained_model("digits")


def test_the_file_is_the_described_one_and_small(digits: TrainedModel) -> None:
    content = digits.path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == digits.sha256
    assert len(content) < 1_000_000


def test_it_reaches_the_stated_accuracy_on_images_it_was_not_trained_on(digits: TrainedModel) -> None:
    test = open_labelled(digits.data, split="test", scale=digits.scale, mean=digits.mean, std=digits.std)
    session = onnxruntime.InferenceSession(digits.path, providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"images": test.images})
    right = int(np.sum(scores.argmax(1) == test.labels))
    assert (right, len(test)) == (digits.right, digits.judged)
    assert digits.accuracy >= 0.98


def test_the_description_tells_the_split_that_is_used(digits: TrainedModel) -> None:
    text = digits.path.with_suffix(".toml").read_text(encoding="utf-8")
    stated = [f"seed = {DIGITS_SEED}", *(f"{name} = {size}" for name, size in DIGITS_SIZES.items())]
    assert "\n".join(stated) in text


def test_another_name_is_refused() -> None:
    assert trained_names() == ("digits",)
    with pytest.raises(WorkloadError, match=r"no trained network 'imagenet' is shipped; there are digits$"):
        trained_model("imagenet")
