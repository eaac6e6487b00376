"""What sets of runs have to do with each other: spreads, differences, distances, fitted times."""
