"""The graph's arithmetic on TensorFlow floats, exact and with a gradient: casts, and sums of products cast one by one.

Values stand for codes: as long as products and sums in units of their last bit stay below 2^24 (float32) or 2^53
(float64), which the front end proves of a network, every result is the graph's code times the last bit. Gradients
are straight-through: those of the same sum without casts.
"""

from collections.abc import Callable, Sequence
from itertools import product

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.frontends.keras_objects import Tensor
from qcompress.graph.movement import Pairs

ROUNDINGS = (Rounding.TRN, Rounding.RND_CONV)
OVERFLOWS = (Overflow.WRAP, Overflow.SAT)
UNROLLED = 8
"""Products that are added one by one."""


def check_cast(cast: Cast) -> Cast:
    """The cast, if floats can repeat it exactly; raises Refused for other rounding and overflow modes."""
    if cast.rounding not in ROUNDINGS or cast.overflow not in OVERFLOWS:
        raise Refused(f"cast {cast}: layers can train with {' or '.join(ROUNDINGS)} and {' or '.join(OVERFLOWS)}")
    return cast


def cast_values(values: Tensor, cast: Cast) -> Tensor:
    """The values, of any shape, cast as the graph casts codes.

    The gradient passes unchanged, but where saturation holds a value, the part that would push it further out is
    dropped: the value can come back, and does not run away.
    """
    import tensorflow as tf

    low, high = (cast.format.to_values(code) for code in (cast.format.min_code, cast.format.max_code))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def straight_through(given: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        def gradient(upstream: Tensor) -> Tensor:
            if cast.overflow is Overflow.WRAP:
                return upstream
            outward = ((given > high) & (upstream < 0)) | ((given < low) & (upstream > 0))
            return tf.where(outward, tf.zeros_like(upstream), upstream)

        rounded = rounded_values(given, cast)
        return held(
            wrap_values(rounded, cast.format) if cast.overflow is Overflow.WRAP else saturate(rounded)
        ), gradient

    def saturate(given: Tensor) -> Tensor:
        return tf.clip_by_value(given, tf.cast(low, given.dtype), tf.cast(high, given.dtype))

    return straight_through(tf.convert_to_tensor(values))


def held(values: Tensor) -> Tensor:
    """The same values, computed once.

    XLA repeats what it takes for cheap wherever it is read: the cast of a weight for every row, a sum of floors for
    every output behind it. A division by what it cannot know to be 1 is dear to it, and exact.
    """
    import tensorflow as tf

    first = tf.reduce_sum(tf.reshape(values, [-1])[:1])
    return values / tf.sign(tf.abs(first) + 1)


def rounded_values(values: Tensor, cast: Cast) -> Tensor:
    """The values, of any shape, on the grid of the cast's format, not yet in its range."""
    import tensorflow as tf

    scale = 2.0**cast.format.fraction
    scaled = values * scale
    return (tf.floor(scaled) if cast.rounding is Rounding.TRN else tf.round(scaled)) / scale


def wrap_values(values: Tensor, to: Format) -> Tensor:
    """The values, of any shape on the grid of `to`, brought into its range by steps of its span."""
    import tensorflow as tf

    low, span = float(to.to_values(to.min_code)), 2.0 ** (to.width - to.fraction)
    return values - span * tf.floor((values - low) / span)


def cast_dense(inputs: Tensor, kernel: Tensor, bias: Tensor | None, accumulator: Format) -> Tensor:
    """Dense sums of inputs (n, ..., terms) with kernel (terms, channels), each product cast before it is added.

    Gives (n, ..., channels). bias: (channels,) or None; accumulator: the format that products and bias are cast to.
    """
    import tensorflow as tf

    def exact(given: Tensor, weights: Tensor) -> Tensor:
        return tf.tensordot(given, weights, [[given.shape.rank - 1], [0]])

    return _accumulated(inputs, kernel, bias, accumulator, sum_of_floors, exact)


def cast_convolution(
    inputs: Tensor, kernel: Tensor, bias: Tensor | None, accumulator: Format, strides: Sequence[int], padding: Pairs
) -> Tensor:
    """Sums of inputs (n, *spatial, channels) with kernel (*window, channels, filters), each product cast before adding.

    Gives (n, *positions, filters). bias: (filters,) or None; accumulator: the format that products and bias are cast
    to; strides: of each axis; padding: zeros (before, after) of each axis.
    """
    import tensorflow as tf

    window = [int(size) for size in kernel.shape[:-2]]

    def floored(given: Tensor, weights: Tensor) -> Tensor:
        taps = _taps(_padded(given, padding), window, strides)
        return sum(sum_of_floors(part, weights[place]) for place, part in taps)

    def exact(given: Tensor, weights: Tensor) -> Tensor:
        return tf.nn.convolution(_padded(given, padding), weights, list(strides), "VALID")

    return _accumulated(inputs, kernel, bias, accumulator, floored, exact)


def cast_depthwise(
    inputs: Tensor, kernel: Tensor, bias: Tensor | None, accumulator: Format, strides: Sequence[int], padding: Pairs
) -> Tensor:
    """Sums of inputs (n, *spatial, channels) by channel with kernel (*window, channels, multiplier), each product cast.

    Gives (n, *positions, channels * multiplier). bias: one for each output channel, or None; accumulator: the format
    that products and bias are cast to; strides: of each axis; padding: zeros (before, after) of each axis.
    """
    import tensorflow as tf

    window = [int(size) for size in kernel.shape[:-2]]

    def summed(given: Tensor, weights: Tensor, of_product: Callable[[Tensor], Tensor]) -> Tensor:
        taps = _taps(_padded(given, padding), window, strides)
        sums = sum(of_product(part[..., None] * weights[place]) for place, part in taps)
        return tf.reshape(sums, tf.concat([tf.shape(sums)[:-2], [sums.shape[-2] * sums.shape[-1]]], 0))

    def floored(given: Tensor, weights: Tensor) -> Tensor:
        return summed(given, weights, tf.floor)

    def exact(given: Tensor, weights: Tensor) -> Tensor:
        return summed(given, weights, tf.identity)

    return _accumulated(inputs, kernel, bias, accumulator, floored, exact)


def sum_of_floors(values: Tensor, kernel: Tensor) -> Tensor:
    """Sums of values (..., terms) with kernel (terms, channels) -> (..., channels), each product floored before adding.

    Blocks of `UNROLLED` products are added one by one, then the blocks: compilers make vectors of that, where a plain
    reduction over a product of broadcasts is a loop over single numbers.
    """
    import tensorflow as tf

    terms, channels = kernel.shape
    if terms <= UNROLLED:
        return sum(tf.floor(values[..., term : term + 1] * kernel[term]) for term in range(terms))
    blocks = -(-terms // UNROLLED)
    missing = blocks * UNROLLED - terms
    values = tf.pad(values, [*[(0, 0)] * (values.shape.rank - 1), (0, missing)]) if missing else values
    kernel = tf.pad(kernel, [(0, missing), (0, 0)]) if missing else kernel
    values = tf.reshape(values, tf.concat([tf.shape(values)[:-1], [blocks, UNROLLED]], 0))
    kernel = tf.reshape(kernel, (blocks, UNROLLED, channels))
    return tf.reduce_sum(sum(tf.floor(values[..., i : i + 1] * kernel[:, i]) for i in range(UNROLLED)), -2)


def _padded(values: Tensor, padding: Pairs) -> Tensor:
    import tensorflow as tf

    return tf.pad(values, [(0, 0), *padding, (0, 0)]) if any(map(any, padding)) else values


def _taps(values: Tensor, window: Sequence[int], strides: Sequence[int]) -> Tensor:
    """For every place in the window: (place, the inputs (n, *positions, channels) that meet it)."""
    for place in product(*map(range, window)):
        ends = [
            start + (size - width) // stride * stride + 1
            for start, size, width, stride in zip(place, values.shape[1:-1], window, strides, strict=True)
        ]
        chosen = [slice(*bounds) for bounds in zip(place, ends, strides, strict=True)]
        yield place, values[(slice(None), *chosen)]


def _accumulated(
    inputs: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    accumulator: Format,
    floored: Callable[[Tensor, Tensor], Tensor],
    exact: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Sums of cast products, the cast bias added, wrapped once.

    floored(inputs, kernel): sums of floored products; exact: the sum whose gradient is taken.
    """
    import tensorflow as tf

    scale = 2.0**accumulator.fraction

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def sums(given: Tensor, weights: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        def gradient(upstream: Tensor) -> Tensor:
            with tf.GradientTape() as tape:
                tape.watch((given, weights))
                result = exact(given, weights)
            return tape.gradient(result, (given, weights), upstream)

        return floored(given, weights * scale) / scale, gradient

    total, cast = sums(inputs, kernel), Cast(accumulator)
    return cast_values(total if bias is None else total + cast_values(bias, cast), cast)
