"""The virtual-time runtime on SimPy, and the workload generator on it."""
