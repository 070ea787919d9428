"""Portrait packs: a painting, and its head drawn once for every direction it can look in."""

from realtime.portrait_file.reader import PackWriter as PackWriter
from realtime.portrait_file.reader import Place as Place
from realtime.portrait_file.reader import Portrait as Portrait
from realtime.portrait_file.reader import find_pack as find_pack
from realtime.portrait_file.reader import kept_packs as kept_packs
from realtime.portrait_file.reader import packs_folder as packs_folder
