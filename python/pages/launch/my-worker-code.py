import sys

print(f"{sys.implementation.name} in a worker")
