"""Tables of the TPC campaigns, as they stand in the pages."""

from typing import Any

Found = dict[str, dict[str, Any]]
"""What was measured of each network, by its name."""
QUANTITIES = ("pad_one", "pad_several", "time_one", "time_several")


def print_table(titles: tuple[str, ...]) -> None:
    """The head of a table."""
    print(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|")


def print_study(found: Found) -> None:
    """One line for each classifier of the study, then the resolution of each regressor."""
    print_table((
        *("network", "weights", "products", "AUC", "class 0 rejected at .1 [%]", "loss at .1 [%]"),
        *("attachment at .1 [%]", "the same, own total [%]", "loss at .01 [%]", "fewer at .1 [%]"),
        *("saved at 1 % loss [%]", "at 5 % [%]", "rows", "epochs", "seconds, of processor"),
    ))  # fmt: skip
    for name, r in found.items():
        if "auc" not in r:
            continue
        point, finest = r["thresholds"]["0.1"], r["thresholds"]["0.01"]
        shown = [f"{100 * point['rejected'][0]:.1f} +- {100 * point['rejected'][1]:.1f}"]
        shown += ["{:.2f} +- {:.2f}".format(*(100 * v for v in point["loss"]))]
        shown += ["{:.1f} +- {:.1f}".format(*(100 * v for v in point[k])) for k in ("attachment", "attachment_own")]
        shown += ["{:.2f} +- {:.2f}".format(*(100 * v for v in finest["loss"]))]
        shown += ["{:.1f} +- {:.1f}".format(*(100 * v for v in point["fewer"]))]
        shown += ["{:.1f} +- {:.1f}".format(*(100 * v for v in saved["fewer"])) for saved in r["savings"].values()]
        cost = f"{r['rows']} | {r['epochs']} | {r['seconds']:.0f}, {r['processor']:.0f}"
        auc, error = r["auc"]
        size = f"{r['weights']} | {r.get('products', '-')}"
        print(f"| {name} | {size} | {auc:.4f} +- {error:.4f} | {' | '.join(shown)} | {cost} |")
    for name, r in found.items():
        for row in r.get("resolution", ()):
            print(f"| {name} | {' | '.join(f'{cell:.4f}' if isinstance(cell, float) else str(cell) for cell in row)} |")


def print_classifiers(found: Found) -> None:
    """One line for each classifier of the grid."""
    print_table((
        *("classifier", "products", "AUC", "at 0.1: fewer clusters [%]", "loss [%]", "fakes [%]"),
        *("saved at 1 % loss [%]", "at 5 % [%]", "processor seconds"),
    ))  # fmt: skip
    for name, r in found.items():
        own, finder = r["thresholds"]["0.1"], r["finder"]
        fewer, loss = (100 - 100 * own[key] / finder[key] for key in ("clusters", "correct"))
        saved = " | ".join(f"{100 * s['saved']:.1f}" for s in r["savings"][1:])
        fakes = 100 * own["fakes"] / own["clusters"]
        line = f"{r['auc']:.4f} | {fewer:.1f} | {loss:.2f} | {fakes:.1f} | {saved} | {r['processor']:.0f}"
        print(f"| {title(name)} | {r['products']} | {line} |")
    finder = next(iter(found.values()))["finder"]
    shares = {key: 100 * finder[key] / finder["clusters"] for key in ("fakes", "clones", "loopers")}
    print(f"classical finder: {finder}; of clusters: " + ", ".join(f"{k} {v:.1f} %" for k, v in shares.items()))


def print_regressors(found: Found) -> None:
    """One line for each regressor: rms and core of the residuals of single and of shared maxima."""
    titles = tuple(column.replace("_", ", ") for column in QUANTITIES)
    print_table(("regressor", "products", *titles, "processor seconds"))
    rows = [(title(name), r["products"], r, "network", f"{r['processor']:.0f}") for name, r in found.items()]
    for name, size, r, who, cost in [("classical finder", "-", rows[0][2], "classical", "-"), *rows]:
        figures = (f"{r[column][who]:.4f} ({r[f'{column}_effective'][who]:.4f})" for column in QUANTITIES)
        print(f"| {name} | {size} | {' | '.join(figures)} | {cost} |")


def print_depths(found: Found, layers: tuple[int, ...], neurons: tuple[int, ...]) -> None:
    """rms of the residuals of all maxima, for each depth: of each width, and the mean over widths."""
    titles = (f"{axis}, {m} neurons" for axis in ("pad", "time") for m in neurons)
    print_table(("layers", *titles, "pad, mean", "time, mean"))
    for n in layers:
        row = [found.get(f"regr_3x5x5_l{n}n{m}") for m in neurons]
        if not all(row):
            continue
        grid = [[r[f"{axis}_all"]["network"] for r in row if r] for axis in ("pad", "time")]
        cells = [f"{value:.4f}" for values in grid for value in values] + [f"{sum(v) / len(v):.4f}" for v in grid]
        print(f"| {n} | {' | '.join(cells)} |")


def print_checkpoints(found: dict[str, Any]) -> None:
    """One line for each checkpoint of an overtrained network."""
    history = found["history"]
    chosen = {"best_validation": min(history, key=lambda row: row["val_loss"]),
              "best_training": min(history, key=lambda row: row["loss"]), "last": history[-1]}  # fmt: skip
    print(f"5 x 128, {found['rows']} maxima, {len(history)} epochs, {found['processor']:.0f} processor seconds, "
          f"overtrained since epoch {found['overtrained_since']}")  # fmt: skip
    titles = (column.replace("_", ", ") for column in QUANTITIES)
    print_table(("checkpoint", "epoch", "training loss", "validation loss", *titles))
    for name, row in chosen.items():
        own = found["checkpoints"][name]
        figures = " | ".join(f"{own[column]['network']:.4f}" for column in QUANTITIES)
        print(f"| {name} | {row['epoch']:.0f} | {row['loss']:.5f} | {row['val_loss']:.5f} | {figures} |")


def title(name: str) -> str:
    """class_3x5x5_l2n32_classical -> 3x5x5 and classical cluster, 2 x 32."""
    window, size, *more = name.split("_")[1:]
    layers, neurons = size[1:].split("n")
    beside = " and classical cluster" * ("classical" in more)
    return f"{window}{beside}, {layers} x {neurons}{', float' * ('float' in more)}"
