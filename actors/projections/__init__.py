"""The query side: read models that follow events, and how one is made anew."""
