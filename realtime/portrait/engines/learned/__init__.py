"""Engines that learnt how faces move: a motion model (`realtime.models.card`) draws the head anew."""
