"""Brings other people's networks into our contract, by rewriting their graphs once.

`steps.py` is the one way of a file: read, recognise, adapt, describe, validate, keep. `importers.py` lists the kinds of
models; each is one `Importer` (`style/importer.py`, `face/swap_importer.py`, `face/encoder_importer.py`) that says what
is its own in a step. `latent.py` holds kinds that come as models of ours only.

| step      | for all kinds                              | style/                          | face/                     |
| --------- | ------------------------------------------ | ------------------------------- | ------------------------- |
| read      | `graph/loading.py`: one whole graph        |                                 |                           |
| recognise | `architecture.py`                          | `architectures`, `ports`        | `architectures`, `ports`  |
| adapt     | `ranges.py`: black, white, colours;        | `sizes`, `adapter`              | `identity_map`, `adapter` |
|           | `graph/picture_nodes.py`: pixels to planes |                                 |                           |
| validate  | `verdict.py`: does it look like a picture  | `validation`, `picture_check`   | `validation`: a real face |

`hints.py` is what the user may say, `result.py` is what comes of it, `vetting.py` lets only models
run that were run in a bounded process before.

Nothing is guessed in silence: what the file does not tell is asked for, in one line that names the option.
"""
