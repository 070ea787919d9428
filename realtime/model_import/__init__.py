"""Brings other people's style networks into our contract, by rewriting their graphs once.

The way of a file, one module a step:

| step                        | module         | what it does                                                     |
| --------------------------- | -------------- | ---------------------------------------------------------------- |
| read it                     | `reading.py`   | one whole, self-contained graph of a usable opset, or a reason   |
| find where the picture goes | `ports.py`     | the input and output; files made for other effects are named     |
| learn what can be known     | `clues.py`     | range, colours, layout as the graph tells; `families.py` by name |
| settle ranges and colours   | `ranges.py`    | from wishes, graph and family; asks for what none of them tells  |
| settle sizes                | `structure.py` | any, multiples of something, or one only                         |
| make fixed sizes free       | `freeing.py`   | constants that stand for the picture's size follow it            |
| put our own ends on         | `wrapping.py`  | uint8 BGR in and out, colours, range, layout, multiples          |
| run it on a real picture    | `trials.py`    | which sizes work, and whether what comes out is a picture        |
| all of it, in order         | `importer.py`  | with a table of what was taken from where                        |

Nothing is guessed in silence: what the file does not tell is asked for, in one line that names the option.
"""
