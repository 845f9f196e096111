"""Shipped bundles, one folder each."""
