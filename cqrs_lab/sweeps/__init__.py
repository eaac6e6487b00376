"""Many runs for one question: seeds, designs, faults taken away, the whole library."""
