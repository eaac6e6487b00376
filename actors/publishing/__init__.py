"""How events leave a service: written in its transaction, and carried to who follows."""
