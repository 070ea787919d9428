"""Sound: a microphone in step with the picture, in recordings, and as a hand on the dials.

A device's callback writes what it hears into a `Ring` (`ring.py`) and tells a `SampleClock` (`sample_clock.py`) when
that was. Everybody else reads: the loudspeaker's callback and a recording each through a `DelayedReader`
(`delayed_reader.py`), which gives the sound of a moment asked for, between its samples (`interpolation.py`), and bends
time rather than jump; the analyser (`analysis.py`) for what moves parameters (`drive.py`).

Threads: PortAudio's own (`streams.py`: callbacks), one that opens devices and looks after them and one that analyses
(`front_end.py`), one for a file that is played (`played_file.py`). None of them can hold up the picture. Nothing here
imports PortAudio before a device is opened.
"""
