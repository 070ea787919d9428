"""Directions in a VAE's codes that stand for attributes of people.

labels.py       who has which attribute: lists as CelebA's, or two folders
means.py        the two running means whose difference is a direction, and when they have come to rest
directions.py   directions that separate better, apart from others, of one length
codes.py        faces to codes, by a checkpoint's encoder or a model file's
model_file.py   directions into a model's file
"""
