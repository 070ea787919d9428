"""Teaching a network what stands before a face.

occluders.py   hands, fingers, cups, phones and the like, drawn before a face in a picture
samples.py     faces that are filmed, remembered as the program remembers them, and seen with and without such things
"""
