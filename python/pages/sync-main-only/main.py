from pyscript import PyWorker, document

worker = PyWorker("./worker.py", type="micropython", config={"sync_main_only": True})

result = await worker.sync.heavy_computation(6, 7)
print(result)
document.body.append(f"6 times 7 is {result}")
print(await worker.sync.read_address())
