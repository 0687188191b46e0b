"""Every notebook runs from the first cell to the last."""

import nbclient
import nbformat
import pytest
from helpers.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TRAINS = {"1_from_data_to_candidate", "3_calibration_and_cluster_response", "4_liquid_argon"}
"""Those that take longest, for what other tests do as well."""


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.campaign] if path.stem in TRAINS else [], id=path.stem)
        for path in NOTEBOOKS
    ],
)
def test_a_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert shown
    assert all("image/png" in data for data in shown if data.get("text/plain", "").startswith("<Figure"))
