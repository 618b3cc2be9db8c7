from pyscript import workers

my_worker = await workers["my-worker"]

print(await my_worker.version())
