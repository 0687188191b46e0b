"""Trigger cells from rows of modules: places against the simulation, what is kept, what is refused."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.clustering.trigger_cells import trigger_cells
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError


def rows(layer, u, v, zside=1, event=0):
    layer, u, v, zside, event = np.broadcast_arrays(*map(np.atleast_1d, (layer, u, v, zside, event)))
    return {"event": event, "zside": zside, "layer": layer, "u": u, "v": v}


@pytest.fixture(scope="module")
def photon_event():
    return fast_simulation.simulate_event("photon-0pu", 1, 3)


def test_weights_of_trigger_layers_hold_the_absorber_of_the_layers_between():
    assert layers.trigger_weight_mev([1, 3, 11, 29, 30]) == pytest.approx(
        [8.894541, 2 * 10.937907, 10.932882 * 2, 51.574301 + 32.332097, 51.444192], rel=1e-12
    )
    assert not layers.trigger_weight_mev(np.arange(2, 29, 2)).any()
    everything = layers.dedx_weight_mev(np.arange(1, 51)).sum()
    assert layers.trigger_weight_mev(np.arange(1, 51)).sum() == pytest.approx(everything, rel=1e-12)


def test_one_cell_by_hand():
    charges = np.zeros((2, 48))
    charges[:, 7] = 70.2
    got = trigger_cells(rows([5, 5], [2, 2], [-3, -3], [1, -1], [4, 9]), charges)
    assert got.event.tolist() == [4, 9]
    assert got.mip_pt.tolist() == [2.0, 2.0]
    assert got.subdet.tolist() == [1, 1]
    x, y = wafers.centre_cm(5, 2, -3) + geometry.tc_xy_channels()[7]
    assert (got.x.tolist(), got.y.tolist()) == ([x, -x], [y, y])
    assert got.z.tolist() == [328.04, -328.04]
    assert got.pt == pytest.approx(2 * 2 * 10.937907e-3 / 0.77, rel=1e-12)
    assert got.eta[0] == -got.eta[1] == pytest.approx(np.arcsinh(328.04 / np.hypot(x, y)), rel=1e-12)
    assert got.phi[0] == np.arctan2(y, x)


def test_threshold_empty_cells_and_cells_that_do_not_exist():
    edge = next(k for k, cells in enumerate(wafers.modules().cells) if not cells.all())
    known = wafers.modules()
    own = rows(known.layer[edge], known.u[edge], known.v[edge])
    charges = np.linspace(0, 35.1, 48)[None]
    everything = trigger_cells(own, charges, 0.0)
    assert len(everything.event) == known.cells[edge, 1:].sum()  # channel 0 holds nothing
    assert (trigger_cells(own, charges, 0.5).mip_pt >= 0.5).all()
    full = trigger_cells(rows(5, 3, -3), np.full((1, 48), 3.6), 0.1)
    assert len(full.event) == known.cells[wafers.lookup()[5, 3 + wafers.REACH, -3 + wafers.REACH]].sum() == 48


def test_a_photon_is_where_its_cells_are(photon_event):
    """Both endcaps, and the mirrored one: the signal's barycentre follows the generated direction."""
    modules, particles = photon_event
    transverse = modules["charge"] * modules["tc_signal"] / np.cosh(modules["eta"])[:, None]
    cells = trigger_cells(modules, transverse, 0.0)
    for entry_eta, entry_phi, side, pt in zip(
        *(particles[n] for n in ("entry_eta", "entry_phi", "zside", "pt")), strict=True
    ):
        own = cells.chosen((cells.zside == side) & (cells.subdet == 1))
        x, y = (np.average(c / np.abs(own.z), weights=own.mip_pt) for c in (own.x, own.y))
        slope = 1 / np.sinh(abs(entry_eta))
        assert np.hypot(x - slope * np.cos(entry_phi), y - slope * np.sin(entry_phi)) < 0.006
        assert own.pt.sum() == pytest.approx(pt, rel=0.25)


def test_modules_of_another_geometry_and_odd_charges_are_refused():
    with pytest.raises(QcompressError, match=r"1 modules are not of geometry V11's.*row 1 .layer 4, u 1, v 2"):
        trigger_cells(rows([3, 4], [1, 1], [2, 2]), np.ones((2, 48)))
    with pytest.raises(QcompressError, match="layer 5, u 40"):
        trigger_cells(rows(5, 40, 0), np.ones((1, 48)))
    with pytest.raises(QcompressError, match="shape"):
        trigger_cells(rows(5, 3, -3), np.ones((1, 40)))
