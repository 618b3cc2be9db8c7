// The rows: fictional and deterministic.

/** Titles of the columns, and the values of their cells. */
export const COLUMNS = [
  { key: 'id', title: 'No.', number: true, fixed: true },
  { key: 'name', title: 'Station' },
  { key: 'region', title: 'Region' },
  { key: 'height', title: 'Height, m', number: true },
  { key: 'temperature', title: 'Temperature, °C', number: true, digits: 1 },
  { key: 'rain', title: 'Rain, mm', number: true, digits: 1 },
];

const REGIONS = ['North', 'Lakes', 'Heath', 'Coast', 'South', 'Ridge'];
const PLACES = ['Harbour', 'Mill', 'Bridge', 'Chapel', 'Quarry', 'Meadow', 'Lighthouse', 'Saddle', 'Weir', 'Orchard'];
const NAMES = ['Alder', 'Birch', 'Cedar', 'Dogwood', 'Elm', 'Fir', 'Gorse', 'Hazel', 'Ivy', 'Juniper', 'Larch', 'Maple', 'Oak', 'Pine', 'Rowan', 'Willow', 'Yew'];

/** A pseudorandom number from 0 to 1, determined by two others. */
const chance = (row, salt) => {
  let bits = Math.imul(row + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  return ((bits ^ (bits >>> 13)) >>> 0) / 2 ** 32;
};

const pick = (list, at) => list[Math.floor(at * list.length)];

export const stations = count =>
  Array.from({ length: count }, (_, row) => {
    const height = Math.floor(chance(row, 1) ** 2 * 2400);
    return {
      id: row + 1,
      name: `${pick(NAMES, chance(row, 2))} ${pick(PLACES, chance(row, 3))}`,
      region: pick(REGIONS, chance(row, 4)),
      height,
      temperature: Math.round((18 - height * 0.0065 + chance(row, 5) * 8) * 10) / 10,
      rain: Math.round(chance(row, 6) * 320) / 10,
    };
  });
