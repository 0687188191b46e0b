"""The style of figures says nothing on standard error, fonts that a machine lacks or not."""

import subprocess
import sys

CODE = """
import numpy as np
from qcompress.plots import curves, histograms, profiles, response
from qcompress.metrics.profiles import profile
from qcompress.metrics.response import response_profile

x = np.linspace(0, 1, 50)
edges = np.linspace(0, 1, 4)
drawn = [
    curves.curves_figure({"$p_T$": curves.Line(x, x)}, "$x$", "$y$"),
    histograms.ratio_figure({"$p_T$": np.array([1, 2, 3])}, edges, "$x$", "$y$"),
    profiles.profile_figure({"$p_T$": profile(x, x, edges)}, "$x$", "$y$"),
    response.response_figure({"$p_T$": response_profile(x, 1 + x, edges, 1)}, "$x$"),
]
for number, figure in enumerate(drawn):
    figure.savefig(f"{number}.png")
"""


def test_figures_are_drawn_without_a_word(tmp_path):
    done = subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert len(list(tmp_path.glob("*.png"))) == 4
