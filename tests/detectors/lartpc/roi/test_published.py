"""Public networks: read whole, folded without a change of what they say; files that are none."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.roi import models, published
from qcompress.detectors.lartpc.roi.stages import UNIT
from qcompress.errors import QcompressError


@pytest.mark.parametrize("plane", ["U", "V", "Z"])
def test_a_folded_network_says_the_same(plane, data_file):
    path = data_file(f"lartpc/roi1d/model_{plane}plane_nu_ROI.h5")
    found = published.read(path)
    assert sum(weights.size for weights in found.weights) == 21_217
    model = models.build_model(models.RoiOptions(weights=path), quantized=False)
    plain = models.build_model(models.RoiOptions(), quantized=False)
    plain.set_weights(found.weights)
    samples = np.random.default_rng(1).normal(0, 8, (50, 200, 1)).astype(np.float32)
    expected = plain(((samples - found.mean) / found.scale).astype(np.float32)).numpy()
    np.testing.assert_allclose(model(samples / UNIT).numpy(), expected, atol=1e-4)


def test_files_that_are_none_are_refused(data_file, tmp_path):
    path = data_file("lartpc/roi1d/model_Uplane_nu_ROI.h5")
    (tmp_path / "other.h5").write_text("none")
    with pytest.raises(QcompressError, match="no Keras 2 file"):
        published.read(tmp_path / "other.h5")
    alone = tmp_path / path.name
    alone.write_bytes(path.read_bytes())
    with pytest.raises(QcompressError, match=r"mean_U_nu_ROI.npy: no file of one number, which model_Uplane"):
        published.read(alone)
