"""One frame, from the camera to the outputs. Start reading in `render_loop`."""
