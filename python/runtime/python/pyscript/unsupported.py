"""Names that a program may import anywhere. Using one raises an error with the reason why it is unavailable."""


class Unsupported:
    def __init__(self, name, why):
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_why", why)

    def __repr__(self):
        return "<`" + self._name + "` is not to be had here>"

    def __getattr__(self, name):
        # Python itself reads such names.
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def __setattr__(self, name, value):
        self._refuse()

    def __getitem__(self, name):
        self._refuse()

    def __call__(self, *arguments, **named):
        self._refuse()

    def _refuse(self):
        raise RuntimeError("`" + self._name + "` cannot be used: " + self._why)
