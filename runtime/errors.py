"""The errors that running a program can raise."""


def printable(text: str) -> str:
    """A name from a program in one line of a terminal: what would steer it is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class ProgramError(Exception):
    """A program that cannot be read, loaded or run; the message says what, where and what to do.

    It is one printable line, whatever the names in a program are.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class InputError(ProgramError):
    """An input whose count, shape or dtype is not what the method takes."""
