"""Live runs: a server, a load and faults on the wall clock, in processes of their own."""
