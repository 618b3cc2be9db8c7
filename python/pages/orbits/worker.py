"""The solar system, integrated day by day. Lengths are astronomical units, times are years, masses are the Sun's."""

import math
from dataclasses import dataclass, field

from pyscript import document, sync

G = 4 * math.pi**2
STEP = 1 / 365.25
KM_S = 4.740470  # of an astronomical unit per year

# name, mass, half of the major axis, eccentricity, longitude of the perihelion in degrees
ELEMENTS = [
    ("Mercury", 1.660e-7, 0.387098, 0.205630, 77.46),
    ("Venus", 2.448e-6, 0.723332, 0.006772, 131.53),
    ("Earth", 3.003e-6, 1.000001, 0.016709, 102.94),
    ("Mars", 3.227e-7, 1.523679, 0.093400, 336.04),
    ("Jupiter", 9.545e-4, 5.202887, 0.048386, 14.75),
    ("Saturn", 2.858e-4, 9.536676, 0.053862, 92.43),
    ("Uranus", 4.366e-5, 19.189165, 0.047257, 170.96),
    ("Neptune", 5.151e-5, 30.069923, 0.008590, 44.97),
]


@dataclass
class Body:
    name: str
    mass: float
    x: float
    y: float
    vx: float
    vy: float
    nearest: float = math.inf
    farthest: float = 0.0
    turned: float = 0.0
    """Radians since the start."""
    path: float = 0.0
    """Length of the path."""
    angle: float = field(default=0.0)

    @classmethod
    def at_perihelion(cls, name, mass, axis, eccentricity, longitude):
        angle = math.radians(longitude)
        distance = axis * (1 - eccentricity)
        speed = math.sqrt(G * (1 + mass) * (1 + eccentricity) / distance)
        cos, sin = math.cos(angle), math.sin(angle)
        return cls(name, mass, distance * cos, distance * sin, -speed * sin, speed * cos, angle=angle)

    def observe(self, sun):
        x, y = self.x - sun.x, self.y - sun.y
        distance = math.hypot(x, y)
        self.nearest, self.farthest = min(self.nearest, distance), max(self.farthest, distance)
        angle = math.atan2(y, x)
        self.turned += (angle - self.angle + math.pi) % (2 * math.pi) - math.pi
        self.angle = angle
        self.path += STEP * math.hypot(self.vx - sun.vx, self.vy - sun.vy)


def solar_system():
    sun = Body("Sun", 1.0, 0.0, 0.0, 0.0, 0.0)
    planets = [Body.at_perihelion(*elements) for elements in ELEMENTS]
    # The centre of mass is at rest.
    sun.vx = -sum(planet.mass * planet.vx for planet in planets)
    sun.vy = -sum(planet.mass * planet.vy for planet in planets)
    return [sun, *planets]


def pull(bodies, time):
    """Applies the attraction of each body on each other."""
    for index, a in enumerate(bodies):
        for b in bodies[index + 1 :]:
            x, y = b.x - a.x, b.y - a.y
            square = x * x + y * y
            strength = time * G / (square * math.sqrt(square))
            a.vx += strength * b.mass * x
            a.vy += strength * b.mass * y
            b.vx -= strength * a.mass * x
            b.vy -= strength * a.mass * y


def drift(bodies, time):
    for body in bodies:
        body.x += time * body.vx
        body.y += time * body.vy


def energy(bodies):
    total = sum(0.5 * body.mass * (body.vx**2 + body.vy**2) for body in bodies)
    for index, a in enumerate(bodies):
        for b in bodies[index + 1 :]:
            total -= G * a.mass * b.mass / math.hypot(a.x - b.x, a.y - b.y)
    return total


def integrate(bodies, days):
    """Leapfrog integration, which conserves energy. Yields the progress after each day."""
    sun, *planets = bodies
    for day in range(1, days + 1):
        drift(bodies, STEP / 2)
        pull(bodies, STEP)
        drift(bodies, STEP / 2)
        for planet in planets:
            planet.observe(sun)
        yield day


def report(planet, years):
    revolutions = planet.turned / (2 * math.pi)
    return [
        planet.name,
        f"{planet.nearest:.3f}",
        f"{planet.farthest:.3f}",
        f"{revolutions:.2f}",
        f"{years / revolutions:.3f}",
        f"{planet.path / years * KM_S:.1f}",
    ]


def write_table(rows):
    """Writes into the document of the page, from the worker."""
    body = document.getElementById("results")
    body.replaceChildren()
    for cells in rows:
        row = body.insertRow()
        for text in cells:
            row.insertCell().textContent = text


def simulate(years):
    bodies = solar_system()
    sun, *planets = bodies
    before = energy(bodies)
    days = round(years / STEP)
    day = 0
    how = "Done"
    try:
        for day in integrate(bodies, days):
            if day % 8 == 0 or day == days:
                sync.show(day / days, [[planet.x - sun.x, planet.y - sun.y] for planet in planets])
    except KeyboardInterrupt:
        how = "Stopped"
    write_table([report(planet, day * STEP) for planet in planets] if day else [])
    drifted = abs(energy(bodies) / before - 1)
    return f"{how} after {day * STEP:.1f} of {years} years; the energy is off by {drifted:.1e}"


__export__ = ["simulate"]
