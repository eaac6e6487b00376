"""The live system behind the API, from the first store opened to the last one closed."""
