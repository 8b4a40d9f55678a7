"""Forecasts that add up: items, their sums, and what makes them agree."""
