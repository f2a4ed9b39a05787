"""The one error that means "the user can fix this"."""


class InputError(ValueError):
    """Bad input: one line that names the file or key, what was expected, and how to fix it."""
