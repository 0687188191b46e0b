"""The ECON-T concentrator chip of the CMS high-granularity calorimeter, bit by bit on NumPy integers."""
