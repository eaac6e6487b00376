"""The live system: every actor on threads, on stores that survive it, and how a loop talks to it."""
