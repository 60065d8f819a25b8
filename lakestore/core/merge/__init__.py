"""Merge engines as kernels, one file per engine."""
