"""A picture of a face that is moved live by the viewer.

    driver.py         whoever is before the camera, as poses: compared with their own rest, which is learnt
    idle.py           what the face does when nobody is there
    pose.py           what it is asked to do, the same numbers for every face
    figure.py         one face of a picture, drawn in any pose: head_warp.py, mouth.py, mouth_inside.py, eyes.py
    opening.py        pictures and portrait packs by their names, as a figure on a canvas

What is the same for all poses is computed when a picture is opened, by the portraits' own parts
(`realtime.portrait.engines.warp`). What they make in 50 ms a frame, for packs, is made here in 10, for a camera.
"""
