"""Formats as bytes: where files state what, with no decoder."""
