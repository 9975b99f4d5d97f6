"""What the tables between the stages promise: Great Expectations suites that stop a stage before it builds on a broken
table.
"""

from leftright.contracts.checking import SUITES, check, problems

__all__ = ["SUITES", "check", "problems"]
