"""How read models are asked: the queries, and what a reader may wait for."""
