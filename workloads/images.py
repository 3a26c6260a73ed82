"""Which images is a network run on? An .npy file of float32 values, as the network was trained to see them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError, nearby_file

Images = npt.NDArray[np.float32]


def load_images(path: Path, *, batch: int | None, image_shape: tuple[int, ...]) -> Images:
    """The first `batch` images of the file, or all of them: N x image_shape, mapped from disk.

    Raises WorkloadError for another type or shape, too few images, NaN or infinity.
    """
    images = _mapped(path)
    if images.dtype != np.float32:
        raise WorkloadError(
            f"{path}: images are {images.dtype}; give float32, scaled as the network was trained "
            "(numpy: images.astype('float32') / 255, say)"
        )
    if images.ndim != len(image_shape) + 1 or images.shape[1:] != image_shape:
        raise WorkloadError(f"{path}: shape {_text(images.shape)}; {_expected(images.shape, image_shape)}")
    if len(images) < (batch or 1):
        raise WorkloadError(f"{path}: holds {len(images)} images; a batch of {batch or 1} needs as many")
    chosen = images[:batch]
    for at, image in enumerate(chosen):
        if not np.isfinite(image).all():
            raise WorkloadError(f"{path}: image {at} has NaN or infinite values; give finite ones")
    return chosen


def _mapped(path: Path) -> Images:
    try:
        images = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise WorkloadError(
            f"{path}: cannot be read ({error.strerror}); {nearby_file(path, 'give an .npy file of images')}"
        ) from None
    except (ValueError, EOFError) as error:
        raise WorkloadError(
            f"{path}: not an .npy file of numbers, or a truncated one ({error}); use numpy.save"
        ) from None
    return images


def _expected(shape: tuple[int, ...], image_shape: tuple[int, ...]) -> str:
    expected = f"the network takes {_text(('N', *image_shape))}"
    if len(image_shape) == 3 and shape[1:] == (*image_shape[1:], image_shape[0]):
        return f"{expected}: channels come first, use images.transpose(0, 3, 1, 2)"
    return expected


def _text(shape: tuple[int | str, ...]) -> str:
    return "x".join(str(size) for size in shape) or "()"
