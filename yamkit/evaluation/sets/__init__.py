"""Labelled sets: the list, the files of its clips, and what its labels mean to a model.

`labelled_set` reads a list through a label reader, `files` and `names` find its files, `label_map`
reads what labels mean, and `targets` turns labels into the columns that are evaluated.
"""
