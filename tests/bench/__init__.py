"""The benchmarks' bodies at tiny sizes."""
