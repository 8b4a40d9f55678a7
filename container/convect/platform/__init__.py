"""The only folder that knows the platform: its paths, its channels, and what it is told about this algorithm."""
