"""The measures: each a function from what a run recorded to numbers."""
