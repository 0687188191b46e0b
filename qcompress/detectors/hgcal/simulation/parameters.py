"""The numbers of the fast simulation, frozen: each from shower, detector or occupancy literature, none from a codec.

V: read in the named source; C: computed from such; M: remembered, not read; I: inferred, a choice of ours; O: chosen
within what its source allows so that occupancies come near those of the experiment's full simulation at 200 pile-up
interactions. The SHA-256 of all of them travels with every sample.
"""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Parameters:
    """Lengths in cm, energies in GeV, charges in MIPs unless a name says otherwise."""

    version: int = 2
    """1 had 4.9 GeV of pT a unit of eta instead of 6.6, .9 X0 and no hadrons' interactions in front of the calorimeter,
    and hadron showers with 1 - E^-.18 of their energy near the first interaction instead of Bock's share."""
    pt: tuple[float, float] = (2.0, 200.0)
    """Transverse momentum of single electrons and photons, uniform. A choice."""
    eta: tuple[float, float] = (1.5, 3.0)
    """|pseudorapidity| of generated particles, uniform."""
    axis_pt: tuple[float, float] = (5.0, 100.0)
    axis_eta: tuple[float, float] = (2.3, 2.85)
    """The same of samples along the axis: all CE-E modules there are of high density."""
    beam_spot_z: float = 5.3
    """V: Delphes card of phase 2."""
    field_radius_per_gev: float = 100 / 1.14
    """C: radius of curvature for each GeV of pT in 3.8 T."""
    front_z: float = 320.0
    """Where a particle enters the calorimeter."""
    ahead_x0: float = 3.0
    """O: material in front of the calorimeter; 0.9 to 1.2 were remembered, layer 1 wants 2.5 or more."""
    ahead_interaction: float = 0.5
    """O: the same in interaction lengths: between copper's 0.3 for 3 X0 and aluminium's 0.7."""

    critical_energy_mev: float = 5.36
    mean_maximum: tuple[float, float] = (1.007, -1.396)
    """V: jbsauvan/HGCAL-FastShower, shower_cfg.py (technical proposal's stack), and the next five. T = a ln y + b."""
    mean_alpha: tuple[float, float] = (0.540, -0.0433)
    sigma_log_maximum: tuple[float, float] = (-2.506, 1.245)
    """sigma(ln T) = 1 / (a + b ln y)."""
    sigma_log_alpha: tuple[float, float] = (-0.08442, 0.7904)
    correlation: tuple[float, float] = (0.7858, -0.0232)
    moliere: float = 2.8
    """V: LLRCMS successor of FastShower."""
    effective_z: float = 68.0
    """I: between copper, tungsten and lead by their share of radiation lengths in CE-E."""
    sampling_frequency: float = 1.08
    """C: 1.605 cm of X0 over 1.485 cm for a layer: 2.97 cm and 1.85 X0 in two layers of the V11 stack."""
    electron_response: tuple[float, float] = (0.77, 0.84)
    """V: regional calibration of V11, CE-E and CE-H: response to showers relative to a MIP; taken as e/mip (I)."""
    spot_mips: float = 1.7
    """C: mean charge of a spot, of hadrons too (I); exponential, so that 2 x 1.7 x 10.94 MeV / 0.77 is the square of
    22 %, V: technical proposal's stochastic term in the Delphes card (0.20 to 0.24), all 28 layers read."""

    em_share: float = 0.463
    """M: Bock's w, the share of a hadron shower's energy that lies near the first interaction, of all energies."""
    hadron_alpha: tuple[float, float] = (0.617, 0.318)
    hadron_rate: tuple[float, float] = (0.910, -0.024)
    """M: Bock's profile in interaction lengths from the start: shape a + b ln E, rate a + b ln E."""
    hadron_radius: tuple[float, float] = (1.93, 7.6)
    hadron_core: float = 0.224
    """C: 108 exp(-r/19.3 mm) + 95 exp(-r/76 mm) read as a density in r (I): both lengths, share of the first."""

    charged_per_interaction: float = 10.2
    photons_per_interaction: float = 10.2
    neutral_per_interaction: float = 1.38
    """O: 1.2 times 1700, 1700, 230 in an endcap at 200 interactions (M); with the spectrum 6.6 GeV of pT a unit of eta.
    V: 5.7 to 5.9 at 7 TeV (1208.6256); C: 86.7 +- 9.0 GeV at eta 3.33 and 13 TeV (1812.04095) are 6.2 +- .6."""
    tsallis_t: float = 0.163
    tsallis_n: float = 6.3
    """O: pT spectrum at 14 TeV, of all hadrons (.145 for pions, M); photons carry half of a neutral pion's pT (I)."""
    pion_mass: float = 0.1396

    jets_per_endcap: float = 1.0
    jet_pt: tuple[float, float] = (30.0, 30.0)
    """M: above 30 GeV, falling exponentially with a mean of 60."""
    jet_constituents: float = 15.0
    jet_shares: tuple[float, float, float] = (0.62, 0.27, 0.11)
    """M: energy in charged hadrons, photons, neutral hadrons."""
    jet_width: float = 0.095
    """C: 65 % of pT within 0.1 of the axis, exponential in the distance."""

    mip_location: float = 0.9
    mip_width: float = 0.1
    """I: a Moyal distribution for the Landau fluctuations of a MIP."""
    noise_mips: tuple[float, float, float] = (0.156, 0.112, 0.062)
    """V: 2000, 2400, 2000 electrons (HLT configuration) over 2.06, 3.43, 5.15 fC: cells of 120, 200, 300 um."""
    zero_suppression: float = 3.0
    """V: cells below three sigma are not summed."""

    def to_json(self) -> str:
        """Names and numbers, sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    def digest(self) -> str:
        """SHA-256 of all numbers."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


PARAMETERS = Parameters()
