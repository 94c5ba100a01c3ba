"""Training of a small network that agrees with a large one: the program behind `yamnet-mini`.

Data flows one way: `recipe` (settings) > `sounds` (a folder of audio, decoded and divided) and
`synthesis` (generated sounds), combined by `prepare` > `mixtures` (new sounds made of them) >
`teacher` (labels) > `stream` (labelled mixtures, in an order that depends only on the seed) > `run`
(the training, with `network`, `losses` and `agreement`) > `bundle` (the weights as a model).
``python -m training --help`` starts it; README.md in this folder explains it.
"""
