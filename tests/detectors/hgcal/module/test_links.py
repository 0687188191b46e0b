"""Links of modules, against the public list of modules they were read off."""

import numpy as np
import pandas as pd
import pytest

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation
from qcompress.detectors.hgcal.module import links, wafers
from qcompress.detectors.hgcal.samples import selections
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError


def test_links_are_those_of_most_full_modules_in_the_public_list(data_file):
    table = pd.read_csv(data_file("hgcal/geometry_hgcal.txt"), sep=" ", index_col=False)
    full = table[table.itype.isin(["FI", "FM", "FO"]) & (table.trigLinks > 0)]
    found = links.by_plane(full.plane, np.hypot(full.x0, full.y0) / 10)
    off = found - full.trigLinks.to_numpy(int)
    print(f"\nlinks: {(off == 0).mean():.4f} of {len(full)} full modules right, off by {off.min()} to {off.max()}")
    assert (off == 0).mean() > 0.94
    assert np.abs(off).max() <= 2


def test_signal_driven_links_are_those_of_the_public_allocation(data_file):
    table = np.loadtxt(data_file("hgcal/cmssw/links_V11_signaldriven.txt"), np.int64)
    read = table[(table[:, 0] % 2 == 1) | (table[:, 0] > 28)]  # the even layers of CE-E are not read out
    assert (links.signal_driven(read[:, 0], read[:, 1], read[:, 1]) == read[:, 2]).all()
    assert set(read[:, 2]) == {2, 3, 4, 5}
    with pytest.raises(QcompressError, match="layer"):
        links.signal_driven([51], [0], [0])


def test_an_allocation_has_a_name_and_all_modules_of_the_geometry():
    known = wafers.modules()
    columns = {name: getattr(known, name) for name in ("layer", "u", "v")}
    for name, of in links.ALLOCATIONS.items():
        found = LinkAllocation.named(name).of(columns, len(known.layer))
        assert (found == of(known.layer, known.u, known.v)).all()
    with pytest.raises(QcompressError, match="no link allocation 'x'; there are by-radius, signal-driven"):
        LinkAllocation.named("x")


def test_layers_take_the_plane_of_their_place():
    assert links.plane([1, 13, 25, 27, 29, 49, 50]).tolist() == [1, 13, 25, 25, 27, 47, 47]
    assert links.links(5, 3, 0).tolist() == 7  # 3 x 16.744 cm: 50.2 cm
    assert links.links([5, 27, 50], [8, 8, 4], [0, 0, 0]).tolist() == [3, 2, 2]


@pytest.mark.parametrize(("fewest", "most"), [(2, 2), (3, 13)])
def test_a_selection_takes_modules_by_their_links(tmp_path, fewest, most):
    selection = selections.Selection(links=(fewest, most))
    fast_simulation.simulate("electron-0pu", 1, 1, tmp_path / "sample.h5", selection=selection)
    found = samples.read(tmp_path / "sample.h5")
    own = links.links(found["layer"], found["u"], found["v"])
    assert ((own >= fewest) & (own <= most)).all()
