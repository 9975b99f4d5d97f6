"""Where videos come from, behind one interface: list what there is, then fetch the clips of one video.

`base` says what a source is. `folder`, `urls` and `youtube` are the sources; `ledger` remembers what became of every video;
`positions` and `cutting` make clips out of a local file, and every source ends there, so that clips are alike.
"""
