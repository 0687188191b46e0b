"""Images turned around: pixels and classes alike, each image by itself, the same for the same numbers."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.images.augmentation import augment

RNG = np.random.default_rng(1)
IMAGES = RNG.random((64, 6, 6, 1)).astype("f4")
CLASSES = np.round(IMAGES * 2)


def turned(kind, seed=3, step=0, images=IMAGES):
    return [np.array(own) for own in augment(kind)(images, np.round(images * 2), np.array([seed, step], "i4"))]


def forms(image, kind):
    flips = [image[::a, ::b] for a in (1, -1) for b in (1, -1)]
    return flips + [own.transpose(1, 0, 2) for own in flips] * (kind == "rotations")


@pytest.mark.parametrize(("kind", "many"), [("flips", 4), ("rotations", 8)])
def test_every_image_has_one_of_its_forms_and_all_of_them_come_up(kind, many):
    images, classes = turned(kind)
    assert (classes == np.round(images * 2)).all()
    own = [
        next(k for k, form in enumerate(forms(given, kind)) if (form == found).all())
        for given, found in zip(IMAGES, images, strict=True)
    ]
    assert set(own) == set(range(many))


def test_the_numbers_decide():
    first = turned("flips")[0]
    assert (turned("flips")[0] == first).all()
    assert (turned("flips", step=1)[0] != first).any()
    assert (turned("flips", seed=4)[0] != first).any()
    assert turned("flips", images=IMAGES[:, :4])[0].shape == (64, 4, 6, 1)


def test_none_is_none():
    assert augment("none") is None
