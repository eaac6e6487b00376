"""The server: the live system behind the API, on its own or as part of a live run."""
