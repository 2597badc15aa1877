"""Rows of data that come into a fit: their checks and targets, and what is said of them."""
