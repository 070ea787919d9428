"""What people and machines ask of a run while it lasts, and what they are told: the `ControlChannel` that front-ends
and the loop share.

Commands (`commands.py`) may be sent from any thread and are obeyed on the main thread, in turn. Parameters
(`parameters.py`) may be set from any thread and are answered at once; their part takes them up at its next frame.
`front_end.py` is the contract of whoever asks, `offers.py` what a window may offer to choose.
"""
