"""Readers: files of each kind into blocks of samples; `choose` decides which one reads a file."""
