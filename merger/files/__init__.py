"""Checkpoints as they lie on a disk: headers, pickles, layouts, names, what is read through a map."""
