"""Codecs and containers: decoding, colours, sound tracks."""
