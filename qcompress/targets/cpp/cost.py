"""What building an emulator takes, from counts alone."""

from qcompress.graph import Graph, Linear
from qcompress.graph.stage import Chain
from qcompress.targets.cpp.selftest import elements, products, rows


def cost(stage: Graph | Chain, libraries: int = 1) -> tuple[float, float]:
    """Seconds of one processor, and megabytes of the largest process, for header, self-test and compilation with -O3.

    stage: a graph or a chain; libraries: that are compiled, one after the other. A fit to seven builds with g++ 12 on a
    2.6 GHz Xeon, from 2 thousand to 4.4 million weights, the largest of images of 256 x 256 and 512 x 208; each took
    between half and twice of what is said here.
    g++ takes 0.9 s and 155 MB for a dense layer, 0.1 s and 5 MB for every further one, 1.5 microseconds and 190 bytes
    for every weight; ranges take 0.15 microseconds and 24 bytes for every element of every layer, the self-test the
    same for every row, and a nanosecond for every product.
    """
    graphs = [each for each in (stage.stages if isinstance(stage, Chain) else (stage,)) if isinstance(each, Graph)]
    sums = [node.operation for graph in graphs for node in graph.nodes if isinstance(node.operation, Linear)]
    weights = sum(operation.matrix.size for operation in sums)
    tested, places = rows(stage), elements(stage)
    compiler = 0.9 + 0.1 * len(sums) + 1.5e-6 * weights
    python = 0.15e-6 * places * (1 + tested) + 1e-9 * tested * products(stage)
    megabytes = max(155 + 5 * len(sums) + 190e-6 * weights, 100 + 24e-6 * places)
    return libraries * compiler + python, megabytes
