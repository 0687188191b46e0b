"""Images as they could have been: wires and drift turned around, square ones turned by quarters as well."""

from collections.abc import Callable

from qcompress.frontends.keras_objects import Tensor

FLIPS, ROTATIONS = "flips", "rotations"
EXCHANGES = {FLIPS: ([1], [2]), ROTATIONS: ([1], [2], [0, 2, 1, 3])}
"""What is done to half of the images, one behind the other: an axis reversed, or axes in another order. The last one
with the others gives the quarters of a turn."""


def augment(kind: str) -> Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] | None:
    """What turns a batch of images and classes (n, rows, columns, 1) around, each image as two int32 decide.

    kind: of EXCHANGES; None is given for another one.
    """
    if kind not in EXCHANGES:
        return None

    def turned(inputs: Tensor, targets: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        import tensorflow as tf

        drawn = tf.random.stateless_uniform((tf.shape(inputs)[0], 3), numbers) < 0.5
        both = tf.concat([inputs, targets], axis=-1)
        for place, axes in enumerate(EXCHANGES[kind]):
            own = tf.reverse(both, axes) if len(axes) == 1 else tf.transpose(both, axes)
            both = tf.where(drawn[:, place, None, None, None], own, both)
        return both[..., :1], both[..., 1:]

    return turned
