"""The errors a user can cause. Each is one line: what is wrong, where, what to do."""


class QcompressError(Exception):
    """A fault in what the user gave; the command line prints it as one line and exits with 2."""


class Refused(QcompressError):  # noqa: N818 - a refusal is a statement, not a failure
    """Something that is not proven exact: a layer, a quantizer, an option, refused by name."""


class ToolMissing(QcompressError):  # noqa: N818
    """An outside program (g++, make, perl) is not on this machine; the message says what to install."""


class MismatchError(Exception):
    """Two bodies gave different integer codes; the command line prints it and exits with 1."""


class CheckError(Exception):
    """A check that the user asked for did not hold; the command line prints it and exits with 1."""


class QcompressWarning(UserWarning):
    """Something the user should know and can act upon; an error in the tests."""
