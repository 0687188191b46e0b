"""Volumes: files of columns (Parquet, HDF5, NumPy, ROOT) through a candidate's integers, of any number of rows."""
