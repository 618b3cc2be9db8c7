def version():
    return 1


__export__ = "version"
