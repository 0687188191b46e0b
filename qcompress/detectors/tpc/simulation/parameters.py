"""The numbers of the fast simulation, frozen, with their sources; their SHA-256 travels with every sample.

D: default of the experiment's simulation, as listed in the project's facts; C: computed from such; M: remembered, not
read; I: a choice of ours.
"""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Parameters:
    """Lengths in cm, momenta in GeV, ionisation in eV, charges in ADC counts unless a name says otherwise."""

    collisions_per_cm: float = 14.0
    """D: at minimum ionisation, as the next five."""
    ionisation_exponent: float = 2.2
    least_ev: float = 20.77
    most_ev: float = 10_000.0
    ev_per_electron: float = 37.3
    most_electrons: int = 300
    bethe: tuple[float, ...] = (0.0761957, 10.632, 1.3279e-5, 1.8631, 1.9479)
    """M: ALEPH's parametrisation of the energy loss; only its shape is used, relative to its minimum."""
    attachment_per_us: float = 250 * 5e-6
    """D: probability to be lost for each microsecond of drift."""
    kept: float = 0.528
    """D: share of the electrons that the amplification keeps, and the next three."""
    gain_shape: float = 1.205
    gain_mean: float = 2000.0
    gain_most: float = 50_000.0
    gain_spread: float = 0.12
    adc_per_electron: float = 2.98
    """D: at the peak of the pulse, for a primary electron at mean gain."""
    pulse: tuple[float, float, float] = (55.0, 4.0, 160.0)
    """D: a x^n exp(-n x), x in units of the peaking time [ns]."""
    pulse_samples: int = 8
    noise: tuple[float, float] = (1.0, 0.05)
    """D: noise of a pad, mean and spread; added on every cell of every pad."""
    zero_suppression: float = 3.0
    pedestal: tuple[float, float] = (72.5, 9.0)
    adc_most: int = 1023

    pt_scale: float = 0.25
    pt_least: float = 0.1
    """I: pT exp(-pT / 0.25 GeV) of pions from the beam, mean 0.5 GeV."""
    eta_most: float = 0.9
    """D: acceptance; uniform."""
    looper_share: float = 0.02
    """I: share of the particles that are low-momentum electrons born anywhere in the sector, in all directions."""
    looper_scale: float = 0.012
    looper_least: float = 0.003
    """I: their momentum falls exponentially; 10 MeV curl at 6.7 cm."""
    longest_path: float = 4000.0
    """I: a particle is followed no further."""
    time_bins: int = 128
    """I: length of a frame."""
    looper_rule: tuple[int, int, int] = (5, 20, 3)
    """D: clusters of one track in one row, within so many time bins and pads, that are tagged as a looper's."""
    findable: tuple[float, float] = (5.0, 3.0)
    """D: least qTot and qMax of a truth cluster that a finder could find."""
    kept_qtot: float = 1.0
    """I: truth clusters of less are not kept."""

    def to_json(self) -> str:
        """Names and numbers, sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    def digest(self) -> str:
        """SHA-256 of all numbers."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


PARAMETERS = Parameters()
