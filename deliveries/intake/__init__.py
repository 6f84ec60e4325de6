"""Packages from the retailer: CSV files and the API share one validator, `packages.take_in`."""
