"""A built-in plugin of yamkit."""
