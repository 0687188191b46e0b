"""The numbers of the simulation of particles in liquid argon, frozen, with their sources.

Their SHA-256 travels with every sample. L: LArSoft's defaults, as listed in the project's facts; P: tables of the
Particle Data Group; M: remembered, not read; I: a choice of ours. Numbers of the detectors stand in `presets`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Parameters:
    """Lengths in cm, energies in MeV, times in us unless a name says otherwise."""

    density: float = 1.393
    """L: g/cm3, at 87 K."""
    z_over_a: float = 18 / 39.948
    excitation: float = 188e-6
    """L: mean excitation energy."""
    sternheimer: tuple[float, float, float, float, float] = (0.1956, 3.0, 0.2, 3.0, 5.2146)
    """L: a, k, x0, x1, C of the density effect."""
    bethe: float = 0.307075
    """P: K, MeV cm2/mol."""
    radiation_length: float = 14.0
    """L"""
    electrons_per_cm3: float = 3.79e23
    """L: for Compton scattering."""
    electrons_per_mev: float = 1e6 / 23.6
    """L: ionisation electrons before recombination."""
    box: tuple[float, float] = (0.93, 0.212)
    """L: alpha and beta' [(kV/cm)(g/cm2)/MeV] of the modified box model."""

    soft_loss: float = 0.003
    """I: collisions of more energy are drawn one by one; those of less are a normal number."""
    delta_ray: float = 1.0
    """I: electrons of more energy are followed; those of less are left where they are made."""
    soft_photon: float = 1.0
    """I: bremsstrahlung of less energy stays with the electron's own deposit."""
    step: float = 0.2
    """I: longest step of a charged particle."""
    scattering: tuple[float, float] = (13.6, 0.038)
    """P: Highland's formula."""
    photon_stops: float = 0.03
    """I: photons of less energy are absorbed where they are."""
    electron_stops: float = 0.05
    """I: electrons of less energy are left where they are (0.04 mm)."""
    heavy_stops: float = 0.3
    """I: muons, pions and protons of less energy are left where they are."""
    pair_energies: tuple[float, ...] = (1.022, 2, 5, 10, 20, 50, 100, 1000)
    pair_shares: tuple[float, ...] = (0.0, 0.02, 0.14, 0.27, 0.41, 0.62, 0.75, 0.94)
    """M: pair production over its value at high energies, 7/9 of a photon a radiation length."""
    photo: tuple[float, float] = (0.098, 0.1)
    """M: photoelectric absorptions for each cm at that energy; falls as E^-3."""

    interaction_length: float = 86.0
    """M: of pions and protons."""
    kinks: float = 0.3
    """I: share of the interactions that bend a hadron; the others end it in a star of protons."""
    star_energy: float = 60.0
    """I: mean energy of a proton of a star."""
    muon_captured: float = 0.75
    """M: share of stopping mu- without a Michel electron."""
    muon_lifetime: float = 2.197
    """P"""
    captured_lifetime: float = 0.57
    """M: of mu- in argon."""
    michel_end: float = 52.8
    """P"""
    margin: float = 60.0
    """I: particles are followed so far outside the volume."""
    argon39: float = 1.0
    """L: decays for each kg and second."""
    argon39_end: float = 0.565
    """L: largest energy of its electrons."""

    def to_json(self) -> str:
        """Names and numbers, sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    def digest(self) -> str:
        """SHA-256 of all numbers."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


PARAMETERS = Parameters()
