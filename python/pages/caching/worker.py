from pyscript import document, ffi

before = ffi.sizes().trips

# add a data-test="not ideal attribute"
document.body.dataset.test = "not ideal"
# read a data-test attribute
print(document.body.dataset.test)

between = ffi.sizes().trips

# if needed elsewhere, reach it once
body = document.body
dataset = body.dataset

# add a data-test="not ideal attribute"
dataset.test = "not ideal"
# read a data-test attribute
print(dataset.test)

after = ffi.sizes().trips
print(f"trips to the page: {between - before}, and {after - between} with references kept")
