"""What a person did that the program cannot work with, as one line.

Every expected failure is raised as `InputError`; the command line prints its text alone and exits with status 2. Any other
exception is a defect of ours and keeps its traceback.
"""


class UnusableError(Exception):
    """What was to be judged was found unusable, as has been said on the way: the command line exits with status 1."""


class InputError(Exception):
    """Bad input: the message names the file or value and says what to do, in one line."""
