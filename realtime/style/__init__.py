"""What a repainted picture needs besides a model: the right working size, full detail, and calm.

A frame is calmed (`temporal_filter.py`), painted at the working size (`renderer.py`; `letterbox.py` where a model takes
one size only) and given the frame's own edges (`guided_upsampling.py`). `resolution_governor.py` chooses the size;
another one is opened beside (`background_loader.py`, `loader.py`, `timeout.py`, `throttle.py`).
"""
