local name = input("What is your name? ")
print("Hello, " .. name)

document.title = name
local heading = document:createElement("h1")
document.body:append(heading)

for i = 3, 1, -1 do
  heading.textContent = i
  sleep(0.1)
end
heading.textContent = "Stop me"
print("An endless loop. Press Stop.")
while true do end
