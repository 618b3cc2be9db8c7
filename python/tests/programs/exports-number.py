answer = 42
__export__ = ["answer"]
