"""Mean squared error, PSNR and SSIM against direct formulas."""

import numpy as np
import pytest

from green_vae.data import Dataset
from green_vae.metrics import fid, mse, psnr, ssim

RNG = np.random.default_rng(0)
A = RNG.random((300, 8, 9, 3)).astype("float32")  # more than one slice
B = np.clip(A + RNG.normal(0, 0.1, A.shape), 0, 1).astype("float32")


def test_mse_and_psnr_by_formula():
    errors = ((A.astype("float64") - B) ** 2).reshape(300, -1).mean(1)
    assert mse(A, B) == pytest.approx(errors.mean(), rel=1e-12)
    assert psnr(A, B) == pytest.approx(np.mean(-10 * np.log10(errors)), rel=1e-12)
    assert psnr(A, B, data_range=10) == pytest.approx(psnr(A, B) + 20)
    assert mse(A, A) == 0 and psnr(A, A) == np.inf


def test_uint8_is_divided_by_255_and_does_not_wrap():
    black, white = np.zeros((2, 8, 8, 1), "uint8"), np.full((2, 8, 8, 1), 255, "uint8")
    assert mse(black, white) == 1 and psnr(black, white) == 0
    assert mse(white, np.ones((2, 8, 8, 1))) == 0


def by_windows(a, b, data_range):
    """Wang et al.'s formula in every whole 7x7 window, one channel."""
    c1, c2, values = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2, []
    for i in range(a.shape[0] - 6):
        for j in range(a.shape[1] - 6):
            x, y = a[i : i + 7, j : j + 7].ravel(), b[i : i + 7, j : j + 7].ravel()
            (vx, vxy), (_, vy) = np.cov(x, y)
            means = (2 * x.mean() * y.mean() + c1) / (x.mean() ** 2 + y.mean() ** 2 + c1)
            values.append(means * (2 * vxy + c2) / (vx + vy + c2))
    return np.mean(values)


@pytest.mark.parametrize("data_range", [1.0, 2.0])
def test_ssim_by_windows_and_its_data_range(data_range):
    few_a, few_b = A[:3].astype("float64"), B[:3].astype("float64")
    expected = [by_windows(few_a[i, ..., c], few_b[i, ..., c], data_range) for i in range(3) for c in range(3)]
    assert ssim(A[:3], B[:3], data_range) == pytest.approx(np.mean(expected), rel=1e-9)
    assert ssim(A[:3], A[:3]) == pytest.approx(1)


@pytest.mark.parametrize("measure", [mse, psnr, ssim])
def test_unusable_images_are_refused(measure):
    for a, b in ((A, A[:2]), (A[0], A[0]), (A[:0], A[:0]), (A[:2], A[:2, ..., :1])):
        with pytest.raises(ValueError, match="one shape.*Received"):
            measure(a, b)
    with pytest.raises(ValueError, match="finite"):
        measure(A, np.where(A > 0.99, np.nan, A))


def test_ssim_needs_its_window():
    with pytest.raises(ValueError, match="at least 7x7"):
        ssim(A[:, :5], B[:, :5])


@pytest.mark.parametrize("measure", [mse, psnr, ssim])
def test_bytes_beside_floats_of_another_range_are_refused(measure):
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    floats = images.astype("float32")
    for wrong in (floats, floats / 127.5 - 1):
        for pair in ((images, wrong), (wrong, images)):
            with pytest.raises(ValueError, match="uint8 is divided by 255.*Received: floats from"):
                measure(*pair)
    alike = measure(floats / 255, floats / 255 + 0.01)
    assert measure(images, floats / 255 + 0.01) == pytest.approx(alike, rel=1e-4)


@pytest.mark.parametrize("measure", [mse, psnr, ssim])
def test_pixels_that_nobody_divided_are_refused(measure):
    images = np.random.default_rng(0).random((2, 8, 8, 1))
    for pair in ((images, 255 * images), (255 * images, images)):
        with pytest.raises(ValueError, match="Received: .*values "):
            measure(*pair)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_a_range_that_images_exceed_is_refused(measure):
    images = 255 * np.random.default_rng(0).random((2, 8, 8, 1))
    with pytest.raises(ValueError, match="Received: data_range=1, values from"):
        measure(images, images[::-1])
    assert np.isfinite(measure(images, images[::-1], data_range=255.0))


def test_data_sets_are_measured_as_their_images():
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), "uint8")
    data, other = (Dataset("mine", "train", pixels) for pixels in (images, images[::-1]))
    assert mse(data, other) == mse(images, images[::-1])
    assert float(fid(data, other, layer=None, protocol="tiny")) == float(
        fid(images, images[::-1], layer=None, protocol="tiny")
    )
