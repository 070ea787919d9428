"""Brings other people's networks into our contract, by rewriting their graphs once.

`graph/` reads, folds and looks at any ONNX graph; `style/` and `face/` bring in one kind of network each, a module a
step:

| step                         | style/                     | face/                                                    |
| ---------------------------- | -------------------------- | -------------------------------------------------------- |
| read one self-contained file | `graph/loading.py`         | `graph/loading.py`                                       |
| know its architecture        | `architectures.py`         | `architectures.py`: inswapper, DFM and their like        |
| find inputs and outputs      | `ports.py`                 | `ports.py`: face, identity, morph; face, masks           |
| resolve ranges and colours   | `ranges.py`                | `ranges.py`                                              |
| resolve sizes                | `sizes.py`                 | fixed: crops are squares                                 |
| make fixed sizes dynamic     | `graph/dynamic_shapes.py`  | -                                                        |
| find its encoder             | -                          | `identity.py`: encoder, converter, fingerprints          |
| adapt input and output       | `adapter.py`               | `adapter.py`: crops, identities of length 1, a soft mask |
| validate on a real picture   | `validation.py`            | `validation.py`: a real face                             |
| all of it, in order          | `importer.py`              | `importer.py`                                            |

`hints.py` is what the user may say, `graph/value_ranges.py` what the graph itself tells, `native.py` tries models that
are in the contract already, `vetting.py` lets only models run that were run in a bounded process before.

Nothing is guessed in silence: what the file does not tell is asked for, in one line that names the option.
"""
