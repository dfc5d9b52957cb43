"""Columns of a dataset beside its pixels."""
