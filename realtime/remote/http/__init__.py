"""The HTTP server and what it answers: one page, JSON, pictures, metrics.

`control.py` is the front-end; `server.py` takes connections, within `limits.py`, on one thread that never waits;
`messages.py` reads a request and writes an answer; `access.py` says who may ask, `token.py` keeps the token;
`routes.py` is the table of what can be asked, and answers it; `openapi.py` and `metrics.py` are what machines read;
`picture_feed.py` makes the picture, once for all viewers; `page/` is the page for people, `page_words.py` its words.
"""
