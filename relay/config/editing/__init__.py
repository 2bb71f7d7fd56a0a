"""Changing the text of a configuration in place. Pure; `relay.config.edit` is the door.

changes      what can be asked for
differences  from the values that are there to those that are wanted, in few steps
steps        what every change comes down to, and what it makes of the values
layout       where each value of a text stands
gaps         what stands between them: comments, blanks, line ends
notation     how new values are written
sites        where in a text a step is made
splices      which pieces of the text it replaces
blocks       which lines and comments are an entry's, where it has lines of its own
flows        where it begins and ends in braces and brackets
pieces       pieces of a text, and other ones in their place
"""
