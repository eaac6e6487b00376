"""What an experiment is: the scenario file, its load, its distributions, its faults and its expectations."""
