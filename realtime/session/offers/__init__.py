"""What can be chosen while a run goes on, for a window's tray: looks, faces, cameras, files that are dropped.

catalogue.py    Catalogue: the front-end that a window asks; a thread of its own
category_list.py   what was listed, what was added since, and the scenes, together
taking.py       what becomes of files that are dropped or chosen
thumbnail_maker.py   which thumbnail is made next, and when
listing.py      what effects say of themselves, as categories
thumbnails.py   the newest frame through each look, in a process of its own
files.py        what a dropped file is, and what it can be used for
making.py       portraits built, models brought in, in a process of their own
dialogue.py     the system's file dialogue and file manager, in processes of their own
"""
