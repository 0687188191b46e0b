"""Files of other programs to samples and back: CSV, HDF5, Parquet, ROOT, the chip's words."""
