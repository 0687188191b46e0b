"""The numbers of the fast simulation, frozen, with their sources; their SHA-256 travels with every sample.

D: default of the experiment's simulation, as listed in the project's facts; V: read in the named source; C: computed
from such; M: remembered, not read; I: a choice of ours; T: a choice of ours, tuned so that the shares of fakes and
clones among maxima are the published ones, before any network was trained on it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Parameters:
    """Version 1. Lengths in cm, momenta in GeV, ionisation in eV, charges in ADC counts unless a name says else."""

    version: int = 1
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


@dataclass(frozen=True)
class RealisticParameters(Parameters):
    """Version 2: other particles, delta electrons, scattering of electrons; tails, baseline and noise of read-out."""

    version: int = 2
    pt_scale: float = 0.18
    """T: mean pT of .36 GeV instead of .5: secondary particles are softer than those from the beam."""
    species: tuple[tuple[float, float, float], ...] = ((0.1396, 0.83, 0.1), (0.4937, 0.12, 0.25), (0.9383, 0.05, 0.45))
    """M: mass, share, least pT of pions, kaons, protons from the beam; slower ones stop before they come here (I)."""
    delta_mev: tuple[float, float] = (0.03, 3.0)
    """I: kinetic energy of delta electrons that are particles of their own; below, they are part of a collision."""
    delta_per_cm: float = 7.25e-5
    """C: K Z/A rho / 2 [MeV/cm] of Ne-CO2-N2 90-10-5 at 0.95 mg/cm3: electrons above T for each cm are this over T."""
    soft_share: float = 0.02
    soft_mev: tuple[float, float] = (0.1, 3.0)
    """T: share of the particles that are electrons of such energies (I), all logarithms alike: Compton's, of photons
    that the material sends out; born as loopers are."""
    electron_scattering: float = 7.6e-5
    """C: 13.6 MeV over the root of the radiation length, 321 m: angle [GeV/sqrt(cm)] times E/p2 of an electron."""
    electron_stopped: float = 0.00005
    """I: momentum [GeV] at which an electron is at its end: 2.4 keV."""
    curl_least: float = 1.0
    piece: float = 4.0
    """I: what curls at a smaller radius [cm] has no half-turns; its charge is cut into pieces of so many time bins."""
    turned: float = 0.1
    """I: a half-turn begins where the cosine of the azimuth is beyond this, so that no scattering makes two of one."""

    tail: tuple[float, float] = (0.1276, 0.0515)
    """V: O2's IonTailCorrection: charge in the ion tail relative to the signal's, its decay in each time bin."""
    tail_spread: float = 0.2
    """I: of its charge from pad to pad; the published one is measured pad by pad, too."""
    tail_known: float = 0.1
    """I: relative error of the pad's value that the correction uses."""
    common_mode: float = 0.5
    """M: share of the mean signal of a GEM stack by which all its pads are pulled down (named by arXiv:2304.03881)."""
    common_mode_spread: float = 0.05
    """I: of it from pad to pad."""
    common_mode_window: float = 3.0
    """I: pads this far around the last baseline [ADC] are taken as empty by the correction, which takes their mean."""
    saturated_tail: tuple[float, float] = (0.02, 0.1)
    """I: of the charge beyond the ADC's range, charge in the slow recovery and its decay in each time bin."""
    pad_noise: tuple[float, float] = (1.0, 0.1)
    """M: 670 electrons in data, 1 ADC count; I: spread over pads."""
    noise_excess: float = 1.35
    """T: noise in running over the noise that zero suppression takes, which was measured in quiet."""
    noise_memory: float = 0.35
    """I: white noise through a shaper of 160 ns: correlation of neighbouring time bins is m / (1 + m2)."""
    coherent_noise: float = 0.3
    """I: noise [ADC] that the pads of one read-out chip have in common."""
    chip: tuple[int, int] = (4, 8)
    """D: 32 channels in a chip; I: rows x pads that they lie on."""
    bursts: float = 3300.0
    """T: bursts of noise in a frame, each on the pads of one chip."""
    burst_bins: int = 20
    """I: how long a burst takes; its pulses come at any time of it."""
    burst_pulses: float = 12.0
    """I: pulses of a burst, each on one of the chip's pads; the next pad of the row sees up to half of it."""
    burst_height: float = 5.0
    """T: mean height of its pulses [ADC], exponential."""


PARAMETERS = Parameters()
REALISTIC = RealisticParameters()
VERSIONS: Mapping[int, Parameters] = MappingProxyType({1: PARAMETERS, 2: REALISTIC})
NEWEST = max(VERSIONS)
