"""How events are taken in: followed, applied once with the progress, tried again or put aside."""
