"""The errors that running a program can raise."""


class ProgramError(Exception):
    """A program that cannot be read, loaded or run; the message says what, where and what to do."""


class InputError(ProgramError):
    """An input whose count, shape or dtype is not what the method takes."""
