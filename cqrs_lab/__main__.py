"""`python -m cqrs_lab` is `cqrs-lab`."""

from cqrs_lab.cli import main

main()
