"""leftright: learn where sounds come from by deciding whether a clip's stereo channels were swapped.

The system of "Telling Left from Right" (Yang, Russell, Salamon; CVPR 2020) as stages that are plain commands.
"""

__version__ = "0.1.0"
