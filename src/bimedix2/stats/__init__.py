"""Intervals for means, differences and ratios. Knows nothing about records, models or tasks."""
