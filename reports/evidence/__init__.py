"""What a run has left, as frames and arrays: its tables, orders as placed, rows as customers see them."""
