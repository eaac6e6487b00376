"""The judgement of a run: checkers with counter-examples, and the verdict."""
