"""A plain twin of the chip: Python integers, one bunch crossing at a time, line by line after its description.

Nothing of the package is used here. `run` takes the registers as a dictionary (see `registers_from_yaml`).
"""

from collections import Counter
from typing import Any

import yaml

DEFAULTS: dict[str, Any] = {
    "drop": 3,
    "shift": 3,
    "cal": [2048] * 48,
    "thresholds": None,
    "buffer": None,
    "stc_type": None,
    "use_sum": 0,
    "pattern": 290,
    "keep": 2**144 - 1,
    "weights": None,
    "overflow": "WRAP",
}


def decode(code: int, shift: int) -> int:
    e, m = code >> 3, code & 7
    v = m if e == 0 else (m << (e - 1)) + (1 << (e + 2))
    v <<= shift
    s = max(e - 1, 0)
    if shift + s > 0:
        v += 1 << (s + shift - 1)
    return v


def encode(v: int, drop: int, E: int, M: int) -> int:
    v >>= drop
    L = v.bit_length()
    if L <= M:
        return v
    exponent = L - M
    if exponent >= 2**E:
        return int(2 ** (E + M) - 1)
    mantissa: int = (v - 2 ** (L - 1)) >> (L - 1 - M)
    return exponent << M | mantissa


def header(bx: int) -> int:
    return 31 if bx == 0 else bx % 16


def short_header(bx: int) -> int:
    n = header(bx)
    return (n >> 4) * 8 + n % 8


def bits(value: int, width: int) -> str:
    assert 0 <= value < 2**width
    return f"{value:0{width}b}"


def words_of(frame: str) -> list[int]:
    frame = frame.ljust(13 * 32, "0")
    assert len(frame) == 13 * 32
    return [int(frame[k : k + 32], 2) for k in range(0, 13 * 32, 32)]


def repeater(calq: list[int], bx: int, reg: dict[str, Any]) -> str:
    return bits(header(bx), 5) + "".join(bits(encode(v, reg["drop"], 4, 3), 7) for v in calq)


def threshold_frame(calq: list[int], bx: int, reg: dict[str, Any]) -> str:
    chosen = [i for i in range(48) if reg["thresholds"][i] > 0 and calq[i] >= reg["thresholds"][i]]
    rest = sum(calq) if reg["use_sum"] else sum(calq[i] for i in range(48) if i not in chosen)
    total = bits(encode(rest, 0, 5, 3), 8)
    charges = "".join(bits(encode(calq[i], reg["drop"], 4, 3), 7) for i in chosen)
    if not chosen:
        frame = bits(header(bx), 5) + "000" + total
    elif len(chosen) < 8:
        addresses = "".join(bits(i, 6) for i in chosen)
        frame = bits(header(bx), 5) + "010" + total + bits(len(chosen), 3) + addresses + charges
    else:
        cells = "".join("1" if i in chosen else "0" for i in range(48))
        frame = bits(header(bx), 5) + "100" + total + cells + charges
    while len(frame) % 16:
        frame += "0"
    return frame


def threshold_sum(
    rows: list[list[int]], bxs: list[int], reg: dict[str, Any], links: int, seen: Counter[str] | None = None
) -> list[list[int]]:
    T1, T2, T3 = reg["buffer"]
    waiting: list[str] = []
    sent = []
    for calq, bx in zip(rows, bxs, strict=True):
        frame = threshold_frame(calq, bx, reg)
        words = [frame[k : k + 16] for k in range(0, len(frame), 16)]
        n, f = len(waiting), len(words)
        truncated = bits(header(bx), 5) + "11{}" + bits(encode(sum(calq), 0, 5, 3), 8)
        if seen is not None:
            seen["T1" if n + f > T1 else "full" if n <= T2 else "T2 and T3" if f <= T3 else "T2 alone"] += 1
        if n + f > T1:
            waiting.append(truncated.format(0))
        elif n > T2 and f <= T3:
            waiting.append(truncated.format(1))
        else:
            waiting += words
        leaving = waiting[: 2 * links]
        waiting = waiting[2 * links :]
        while len(leaving) < 2 * links:
            leaving.append(bits(header(bx) << 11 | reg["pattern"], 16))
        sent.append(words_of("".join(leaving)))
    return sent


def merge_exchange(q: list[int]) -> list[int]:
    """Knuth's algorithm M, step by step, descending; gives the addresses."""
    N, t = len(q), 0
    while 2**t < N:
        t += 1
    K = list(q)
    where = list(range(N))
    p = 2 ** (t - 1)
    while p > 0:  # M2
        Q, r, d = 2 ** (t - 1), 0, p
        while True:
            for i in range(N - d):  # M3
                if i & p == r and K[i] < K[i + d]:  # M4
                    K[i], K[i + d] = K[i + d], K[i]
                    where[i], where[i + d] = where[i + d], where[i]
            if p == Q:  # M5
                break
            d, Q, r = Q - p, Q // 2, p
        p //= 2  # M6
    return where


def best_choice(calq: list[int], bx: int, reg: dict[str, Any], links: int) -> str:
    q = [min(v >> reg["drop"], 2**18 - 1) for v in calq]
    n = [1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48][links - 1]
    kept = sorted(merge_exchange(q)[:n])
    rest = sum(q) if reg["use_sum"] else sum(q[i] for i in range(48) if i not in kept)
    addresses = "".join(bits(i, 6) for i in kept)
    where = addresses if n < 8 else "".join("1" if i in kept else "0" for i in range(48))
    charges = "".join(bits(encode(q[i], 0, 4, 3), 7) for i in kept)
    return bits(short_header(bx), 4) + bits(encode(rest, 0, 5, 3), 8) + where + charges


def super_trigger_cell(calq: list[int], bx: int, reg: dict[str, Any], links: int) -> str:
    kind = reg["stc_type"]
    size = 16 if kind == 1 else 4
    sent = {0: [2, 5, 8, 11, 12], 1: [2, 3], 2: [4, 8, 12], 3: [3, 6, 10, 12]}[kind]
    addresses, energies = "", ""
    for group in range(sent[links - 1] if links <= len(sent) else sent[-1]):
        cells = calq[group * size : group * size + size]
        best = max(range(size), key=lambda i: (cells[i], i))
        if kind in (0, 1):
            energies += bits(encode(sum(cells), 0, 5, 4), 9)
        else:
            energies += bits(encode(sum(cells), reg["drop"], 4, 3), 7)
        addresses += {0: bits(best % 4, 2), 1: bits(best, 4), 2: "", 3: bits(best % 4, 2)}[kind]
    return bits(short_header(bx), 4) + addresses + energies


def latents(calq: list[int], reg: dict[str, Any]) -> list[int]:
    """The encoder; weights as the chip's list of 2144."""
    stored = reg["weights"]
    w = [[[stored[(ky * 3 + kx) * 8 + f] for f in range(8)] for kx in range(3)] for ky in range(3)]
    b, W, B = stored[72:80], [stored[80 + 128 * j : 80 + 128 * j + 128] for j in range(16)], stored[2128:]
    total = sum(calq)
    x = [0] * 48
    if total:
        power = total.bit_length() - 1
        x = [v * 2**7 // 2**power for v in calq]
    image = [[0] * 9 for _ in range(9)]
    for i in range(32):
        image[i // 8][i % 8] = x[i]
    for i in range(32, 48):
        image[4 + (i - 32) // 4][(i - 32) % 4] = x[i]

    def fit(value: int, largest: int) -> int:
        value = max(0, value)
        return min(value, largest) if reg["overflow"] == "SAT" else value % (largest + 1)

    flat = []
    for y in range(4):
        for column in range(4):
            for f in range(8):
                products = [image[2 * y + ky][2 * column + kx] * w[ky][kx][f] for ky in range(3) for kx in range(3)]
                flat.append(fit(sum(p // 32 for p in products) + b[f] * 4, 255))
    return [fit(sum(a * k // 16 for a, k in zip(flat, W[j], strict=True)) + B[j] * 8, 511) for j in range(16)]


def autoencoder(calq: list[int], bx: int, reg: dict[str, Any], links: int) -> str:
    out = latents(calq, reg)
    string = "".join(bits(out[j], 9) for j in range(15, -1, -1))
    mask = bits(reg["keep"], 144)
    picked = "".join(bit for bit, keep in zip(string, mask, strict=True) if keep == "1")
    room = min(18 + 32 * (links - 1), 146)
    return bits(header(bx), 5) + bits(encode(sum(calq), 0, 5, 4), 9) + picked[-room:].rjust(room, "0")


def calibrated(codes: list[int], reg: dict[str, Any]) -> list[int]:
    return [decode(codes[reg["mux"][i]], reg["shift"]) * reg["cal"][i] // 2048 for i in range(48)]


def run(reg: dict[str, Any], codes: list[list[int]], bxs: list[int], links: int) -> list[list[int]]:
    """Input codes (n x 48, numbered as the mux counts them) -> link words (n x 13)."""
    reg = DEFAULTS | reg
    rows = [calibrated(row, reg) for row in codes]
    select = reg["select"]
    if select == 0:
        return threshold_sum(rows, bxs, reg, links)
    frames = []
    for calq, bx in zip(rows, bxs, strict=True):
        if select == 3:
            frames.append(repeater(calq, bx, reg))
        elif select == 2:
            frames.append(best_choice(calq, bx, reg, links))
        elif select == 1:
            frames.append(super_trigger_cell(calq, bx, reg, links))
        else:
            frames.append(autoencoder(calq, bx, reg, links))
    return [words_of(frame) for frame in frames]


def registers_from_yaml(text: str) -> tuple[dict[str, Any], str, int | None]:
    """A register file that is in order -> registers, tc_order, links."""
    content = yaml.safe_load(text)
    old = "ConfigAlgo" in content
    if old:
        select, high = (content["ConfigAlgo"]["Global"][k] for k in ("alg_type", "alg_high_density"))
    else:
        select, high = (content["Algorithm"]["Global"][k] for k in ("select", "density"))
    reg: dict[str, Any] = {"select": select, "shift": 3 if high else 1, "drop": 3 if high else 1}
    if "AlgoDroplsb" in content:
        drop = content["AlgoDroplsb"]["Global"]
        drop = drop["drop_lsb"] if isinstance(drop, dict) else drop
        reg["drop"] = drop if drop <= 4 else 0
    reg["mux"] = [content["Mux"][i] for i in range(48)]
    if "Cal" in content:
        reg["cal"] = [content["Cal"][i] for i in range(48)]
    if "AlgoThreshold" in content:
        reg["thresholds"] = [content["AlgoThreshold"][i] for i in range(48)]
    buffer = content.get("FormatterBuffer", {}).get("Global", {})
    links = buffer.get("active_etxs")
    if old and links is not None:
        links = bin(links).count("1")
    if "buff_t1" in buffer:
        reg["buffer"] = [buffer[f"buff_t{k}"] for k in (1, 2, 3)]
    reg["stc_type"] = buffer.get("stc_type")
    reg["use_sum"] = buffer.get("use_sum", 0)
    reg["pattern"] = buffer.get("link_reset_pattern", 290)
    if "keep_auto_encoder_bits" in buffer:
        reg["keep"] = buffer["keep_auto_encoder_bits"]
    elif "mask_ae" in buffer:
        reg["keep"] = buffer["mask_ae2"] << 128 | buffer["mask_ae"]
    if "Encoder" in content:
        whole = 0
        for number, block in content["Encoder"].items():
            for key, value in block.items():
                whole |= value << (1072 * number + 8 * int(key.removeprefix("weights_byte")))
        reg["weights"] = []
        for k in range(2144):
            code = whole >> (6 * k) & 63
            reg["weights"].append(code - 64 if code >= 32 else code)
    return reg, "msb" if old else "lsb", links


def words_from_csv(text: str, order: str) -> tuple[list[list[int]], list[int]]:
    """Input words that are in order, with a header line -> codes and BX."""
    codes, bxs, bx = [], [], -1
    lines = text.split("\n")
    decimal = lines[0].strip().startswith("ePort")
    for line in lines[1:]:
        if not line.strip():
            continue
        words = [int(word, 10 if decimal else 16) for word in line.split(",")]
        bx = 0 if not decimal and words[0] >> 28 == 9 else (bx + 1) % 3564
        places = (21, 14, 7, 0) if order == "msb" else (0, 7, 14, 21)
        codes.append([word >> place & 127 for word in words for place in places])
        bxs.append(bx)
    return codes, bxs
