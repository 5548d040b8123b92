"""Checkpoints: presets, building a base, loading, merging, exporting, and the one prompt path.

Knows nothing about rooms, requests or how tokens are drawn.
"""
