"""Shipped codeframes."""
