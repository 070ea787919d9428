"""Directions in a VAE's codes that stand for attributes of people.

labels.py       who has which attribute: lists as CelebA's, or two folders
means.py        the two running means whose difference is a direction, and when they have come to rest
directions.py   directions that separate better, apart from others, of one length
codes.py        faces to codes and back, by a checkpoint or a model file
model_file.py   directions into a model's file
judges.py       classifiers that had no part in any training
verification.py what a step along a direction does, as judges see it
"""
