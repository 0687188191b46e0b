"""Plain twins of the read-out's algorithms for liquid argon: one sample at a time, Python integers, nothing shared."""

import dataclasses


class Frugal:
    """A running quantile."""

    def __init__(self, estimate):
        self.estimate, self.balance = int(estimate), 0

    def see(self, sample):
        if sample > self.estimate:
            self.balance += 1
        if sample < self.estimate:
            self.balance -= 1
        if self.balance > 10:
            self.estimate, self.balance = self.estimate + 1, 0
        if self.balance < -10:
            self.estimate, self.balance = self.estimate - 1, 0
        return self.estimate


def values(codes, finder, threshold, spread=0):
    """(value, limit) for each code of a channel."""
    median, low, high = Frugal(codes[0]), Frugal(codes[0] - spread), Frugal(codes[0] + spread)
    second, past, total = Frugal(0), [0] * 7, 0
    for code in map(int, codes):
        sample = code - median.see(code)
        if finder == "threshold":
            yield sample, threshold
        elif finder == "fir":
            if sample < 0:
                low.see(code)
            if sample > 0:
                high.see(code)
            past = [sample, *past[:6]]
            taps = (1, 6, 15, 20, 15, 6, 1)
            yield sum(a * b for a, b in zip(taps, past, strict=True)), 5 * 64 * (high.estimate - low.estimate)
        else:
            total = 8 * (total // 10) + 5 * (abs(sample) // 10)
            yield total - second.see(total), threshold


@dataclasses.dataclass
class Run:
    start: int
    values: list[int]


def primitives(codes, finder, threshold, spread=0):
    """(start, length, peak time, peak, total) of those that end, and of the open one, or None."""
    done, run = [], None
    shift = 6 if finder == "fir" else 0
    for tick, (value, limit) in enumerate(values(codes, finder, threshold, spread)):
        if value > limit:
            run = run or Run(tick, [])
            run.values.append(value >> shift)
        elif run:
            done.append(_summary(run))
            run = None
    return done, _summary(run) if run else None


def _summary(run):
    peak = max(run.values)
    return run.start, len(run.values), run.start + run.values.index(peak), peak, sum(run.values)


def kept(samples, high, low, pad):
    """Whether each tick is in a region: near to a run above `low` that reaches above `high`."""
    marked = []
    for tick, sample in enumerate(samples):
        inside = abs(sample) > low
        if inside:
            first = last = tick
            while first > 0 and abs(samples[first - 1]) > low:
                first -= 1
            while last + 1 < len(samples) and abs(samples[last + 1]) > low:
                last += 1
            inside = max(map(abs, samples[first : last + 1])) > high
        marked.append(inside)
    return [any(marked[max(tick - pad, 0) : tick + pad + 1]) for tick in range(len(samples))]


def hits(samples, threshold, dip):
    """(start, stop, peak time, peak, total, moment): runs above the threshold, divided at valleys."""
    found, tick = [], 0
    while tick < len(samples):
        if samples[tick] <= threshold:
            tick += 1
            continue
        stop = next((t for t in range(tick, len(samples)) if samples[t] <= threshold), len(samples))
        for first, last in _divided(samples, tick, stop, dip):
            part = samples[first:last]
            moment = sum(k * x for k, x in enumerate(part))
            found.append((first, last, first + part.index(max(part)), max(part), sum(part), moment))
        tick = stop
    return found


def _divided(samples, start, stop, dip):
    """Pieces of a run: cut at the lowest sample behind the highest one, once a sample is well above it."""
    for tick in range(start + 1, stop):
        before = samples[start:tick]
        top = start + before.index(max(before))
        lowest = min(samples[top:tick])
        if min(samples[tick], samples[top]) - lowest > dip:
            valley = samples.index(lowest, top)
            rest = _divided_from(samples, valley, tick, stop, dip)
            return [(start, valley), *rest]
    return [(start, stop)]


def _divided_from(samples, valley, seen, stop, dip):
    """Pieces behind a cut: what lies before `seen` belongs to the piece, and is no peak of its own."""
    for tick in range(seen + 1, stop):
        before = samples[seen:tick]
        top = seen + before.index(max(before))
        lowest = min(samples[top:tick])
        if min(samples[tick], samples[top]) - lowest > dip:
            cut = samples.index(lowest, top)
            return [(valley, cut), *_divided_from(samples, cut, tick, stop, dip)]
    return [(valley, stop)]


HUFFMAN = {0: "01", 1: "001", -1: "0001", 2: "00001", -2: "000001", 3: "0000001", -3: "00000001"}


def huffman_words(codes):
    """Words of the fixed code of differences, by way of texts."""
    words, bits, tick = [f"{codes[0]:016b}"], "", 1
    text: str | None
    while tick < len(codes):
        if len(codes) - tick >= 4 and all(code == codes[tick - 1] for code in codes[tick : tick + 4]):
            text, step = "1", 4
        else:
            text, step = HUFFMAN.get(codes[tick] - codes[tick - 1]), 1
        if bits and (text is None or len(bits + text) > 15):
            words, bits = [*words, "1" + bits.ljust(15, "0")], ""
        if text is None:
            words.append(f"{codes[tick]:016b}")
        else:
            bits += text
        tick += step
    words += ["1" + bits.ljust(15, "0")] if bits else []
    return [int(word, 2) for word in words]
