"""A small world of videos with known truth: performers who speak, tap and brush in front of a camera that has two ears.

`world` puts it together: `performer` says who, `choreography` what happens when, `sounds` and `acoustics` make it heard,
`pictures` makes it seen through `camera`, `faults` spoils what is to be spoilt, `encoding` writes the file.
Axes are the listener's, in metres: forward, left, up. The camera stands where the listener's head is.
"""
