"""Where actors live: the port that they see, and what both clocks share; the live clock itself."""
