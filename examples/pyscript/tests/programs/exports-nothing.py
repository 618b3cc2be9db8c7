__export__ = ["nowhere"]
