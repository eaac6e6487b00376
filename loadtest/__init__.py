"""The HTTP facade, the Locust users and the live run."""
