"""A run over many clips, in the order of the data: clips, scheduler, items, loop, output."""
