"""Everything that speaks to providers: which there are, with which key, with which headers, over which transport."""
