"""Trains a small network to say what a large one says: the program behind `yamnet-mini`.

Data flows one way: `recipe` (what is wanted) > `sounds` (a folder of audio, decoded and divided)
and `synthesis` (sounds made by formula), put together by `prepare` > `mixtures` (endless new sounds
made of them) > `teacher` (labels) > `stream` (labelled mixtures, in an order that depends on the
seed alone) > `run` (the training itself, with `network`, `losses` and `agreement`) > `bundle` (the
weights as a model). ``python -m training --help`` starts it; README.md in this folder explains it.
"""
