"""Tags in files are changed, and nothing else in the files is.

mutagen is not used for that. It parses a tag and writes it anew: frames that it does not understand are left out or
lose their flags, the items of an MP4 file change their order, padding moves, and all that in place, so that an
interrupted write damages the song. Here a change is a list of edits (`edits`): bytes that are taken out and put in.
Each kind of file has a module that finds out which. What no edit names is copied as it is, into a file that then takes
the place of the song in one step (`replacing`).
"""
