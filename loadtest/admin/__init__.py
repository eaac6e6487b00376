"""The admin surface: faults, projections and dead letters of a live system, for who runs it."""
