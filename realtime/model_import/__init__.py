"""Brings other people's networks into our contract, by rewriting their graphs once.

The way of a style, one module a step:

| step                        | module         | what it does                                                     |
| --------------------------- | -------------- | ---------------------------------------------------------------- |
| read it                     | `loading.py`   | one whole, self-contained graph of a usable opset, or a reason   |
| find where the picture goes | `ports.py`     | the input and output; files made for other effects are named     |
| learn what can be known     | `value_ranges.py`     | range, colours, layout as the graph tells; `architectures.py` by
name | | settle ranges and colours   | `ranges.py`    | from wishes, graph and family; asks for what none of them tells
| | settle sizes                | `sizes.py` | any, multiples of something, or one only                         | | make
fixed sizes free       | `dynamic_shapes.py`   | constants that stand for the picture's size follow it | | put our own
ends on         | `adapter.py`  | uint8 BGR in and out, colours, range, layout, multiples          | | run it on a real
picture    | `validation.py`    | which sizes work, and whether what comes out is a picture        | | all of it, in
order         | `importer.py`  | with a table of what was taken from where                        |

The way of a face network, which shares reading, clues and wishes:

| step                          | module             | what it does                                                    |
| ----------------------------- | ------------------ | --------------------------------------------------------------- |
| know its kind                 | `architectures.py` | inswapper, DFM and their like, by inputs and name               |
| find where everything goes    | `ports.py`    | face, whose it shall be, how far; the other face and its masks  |
| settle ranges and colours     | `ranges.py`   | from wishes (`hints.py`), family and graph                |
| learn what tells it whose     | `identity.py`      | the encoder, a converter, the map between them; fingerprints    |
| put our own ends on           | `adapter.py` | uint8 BGR crops in and out, numbers of length 1, a soft mask    |
| run it on a real face         | `validation.py`    | the demo's photo or the user's                                  |
| all of it, in order           | `importer.py` | models of ours are only tried: `native.py`                        |

Nothing is guessed in silence: what the file does not tell is asked for, in one line that names the option.
"""
