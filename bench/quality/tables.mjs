// The ten tables of the comparison: five of examples/data, breast cancer of scikit-learn (peer.py writes it), and four of the
// npm package vega-datasets, which are public but not all free to be passed on, so they are read from where npm has put them.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const example = (name) => readCSV(readFileSync(join(here, "..", "..", "examples", "data", `${name}.csv`), "utf8"));
const vega = (name) => readFileSync(join(here, "node_modules", "vega-datasets", "data", name), "utf8");

/** Plain CSV without quotes, which is what these files are. */
function readCSV(text) {
  const [head, ...lines] = text.trim().split(/\r?\n/).map((line) => line.split(","));
  return lines.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i]])));
}

const only = (rows, names) => rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? ""])));

/** Name, target, task and rows of each. */
export function tables(breastCancer) {
  const cars = JSON.parse(vega("cars.json")).filter((car) => car.Miles_per_Gallon !== null);
  return [
    { name: "iris", target: "species", task: "classification", rows: example("iris") },
    { name: "wine", target: "cultivar", task: "classification", rows: example("wine") },
    { name: "penguins", target: "Species", task: "classification", rows: example("penguins") },
    { name: "digits", target: "digit", task: "classification", rows: example("digits") },
    { name: "diabetes", target: "progression", task: "regression", rows: example("diabetes") },
    { name: "breast cancer", target: "class", task: "classification", rows: readCSV(readFileSync(breastCancer, "utf8")) },
    { name: "seattle weather", target: "weather", task: "classification", rows: only(readCSV(vega("seattle-weather.csv")), ["precipitation", "temp_max", "temp_min", "wind", "weather"]) },
    { name: "cars", target: "Miles_per_Gallon", task: "regression", rows: only(cars, ["Cylinders", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration", "Year", "Origin", "Miles_per_Gallon"]) },
    { name: "gapminder", target: "life_expect", task: "regression", rows: only(JSON.parse(vega("gapminder.json")), ["year", "cluster", "pop", "fertility", "life_expect"]) },
    { name: "barley", target: "yield", task: "regression", rows: only(JSON.parse(vega("barley.json")), ["variety", "year", "site", "yield"]) },
  ];
}
