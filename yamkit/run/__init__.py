"""A run over many clips, in the order of the data.

`clips` are read, the `scheduler` sends their patches through the network, `items` are what is
reported of their scores, the `loop` writes them to the `output`. `places` names the files,
`journal` (in a `journal_file`) records what was finished, `info` describes the run, `work` is what
other processes are sent, `records` and `checks` are the form of items outside the process, and
`held` keeps the items of a clip until its end.
"""
