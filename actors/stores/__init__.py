"""Stores: what a service keeps through crashes, behind one port with three implementations."""
