import time
from pyscript import document, sync

name = input("What is your name? ")
print("Hello,", name)

heading = document.createElement("h1")
document.body.append(heading)
for i in (3, 2, 1):
    heading.textContent = i
    time.sleep(0.1)
heading.textContent = "Stop me"

# What the page may call.
sync.square = lambda n: n * n

print("An endless loop. Press Stop.")
try:
    while True:
        pass
except KeyboardInterrupt:
    print("stopped")
