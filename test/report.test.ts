// The report of `train`: one page that needs nothing else, says what the training found, and shows names from data as text.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserArguments, browserPath } from "../scripts/browser.mjs";
import { dense, Network } from "../src/index.js";
import { barChart, lineChart, scatterChart, ticks } from "../src/report/charts.js";
import { escape } from "../src/markup.js";
import { cutText } from "../src/report/html.js";
import { importanceOf, importanceRows } from "../src/report/importance.js";
import { renderReport } from "../src/report/page.js";
import type { Report } from "../src/report/page.js";
import type { Preparation } from "../src/tabular/preparation.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const data = (name: string): string => join(root, "examples", "data", `${name}.csv`);

let folder: string;
let browser: Browser;

function run(...parameters: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "dist", "cli.js"), ...parameters], { cwd: folder });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const hostileNames = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a\u202eb", "javascript:alert(1)", "x".repeat(200), "' onload='alert(1)", "]]><!--", "&lt;&amp;"];

async function trainWithReport(name: string, ...parameters: string[]): Promise<string> {
  const { code, stdout, stderr } = await run("train", ...parameters, "--report", `${name}.html`, "--out", `${name}.safetensors`);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.endsWith(`\nmodel written to ${name}.safetensors\nreport written to ${name}.html\n`)).toBe(true);
  return readFile(join(folder, `${name}.html`), "utf8");
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rosenblatt-report-"));
  browser = await chromium.launch({ executablePath: browserPath(), args: browserArguments });
}, 300_000);
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

describe("a report", () => {
  const pages: Record<string, string> = {};
  beforeAll(async () => {
    pages.classes = await trainWithReport("classes", data("penguins"), "--target", "Species");
    pages.numbers = await trainWithReport("numbers", data("diabetes"), "--target", "progression", "--test", "0");
    pages.nothing = await trainWithReport("nothing", data("iris"), "--target", "species", "--test", "0", "--validation", "0", "--epochs", "1");
    const rows = Array.from({ length: 60 }, (_, i) => [...hostileNames.map((_, k) => (k === 3 ? `"<b>${i % 3}</b>"` : `${(i * (k + 2)) % 17}`)), `"<i>${i % 2}</i>"`]);
    const names = [...hostileNames, "</title><svg onload=alert(1)>"].map((name) => `"${name.replaceAll('"', '""')}"`);
    await writeFile(join(folder, "hostile.csv"), `${[names, ...rows].map((row) => row.join(",")).join("\n")}\n`);
    pages.hostile = await trainWithReport("hostile", "hostile.csv", "--target", "</title><svg onload=alert(1)>");
  }, 60_000);

  it.each(["classes", "numbers", "nothing", "hostile"])("(%s) has no script and names no address; its policy holds the hash of its style", (name) => {
    const page = pages[name];
    expect(page).not.toMatch(/<script|<img|<link|<iframe|<object|<[a-z][^>]*\s(on\w+|src|href|style)=|url\(|@import/i);
    expect(page.replaceAll("javascript:alert(1)", "")).not.toMatch(/https?:|javascript:/);
    const style = /<style>([^]*)<\/style>/.exec(page)![1];
    expect(page).toContain(`style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`);
  });

  it("shows curves, confusion matrix, columns, importance, network and the command", () => {
    for (const text of ["Species from penguins.csv", "247 rows to train, 28 to validate, 69 to test", "Confusion matrix of 69 test rows", "What the model goes by",
      "Left out or changed", "2 missing of 247", "3267 parameters", "rosenblatt train", "--target Species --seed 1", "one of Biscoe, Dream, Torgersen, or other"]) {
      expect(pages.classes).toContain(text);
    }
    expect(pages.classes.match(/<svg /g)).toHaveLength(3);
    expect(pages.classes.match(/<polyline class="line [ab]"/g)).toHaveLength(4);
  });

  it("shows predicted against true values of the validation rows where there is no test", () => {
    expect(pages.numbers).toContain("Predicted against true values of 44 validation rows");
    expect(pages.numbers.match(/<circle class="dot a"/g)).toHaveLength(44);
    expect(pages.numbers).toContain("Root mean squared error");
    expect(pages.numbers).toContain("validation: R²");
  });

  it("says so where no rows were held out, and of one epoch", () => {
    expect(pages.nothing).toContain("No rows were held out");
    expect(pages.nothing).not.toContain("What the model goes by");
    expect(pages.nothing).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("shows hostile names as text", async () => {
    expect(pages.hostile).toContain("&#60;script&#62;alert(1)&#60;/script&#62;");
    expect(pages.hostile).toContain("\\u{202e}");
    expect(pages.hostile).not.toContain("\u202e");
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(folder, "hostile.html")).href);
    expect(await page.locator("h1").textContent()).toBe("</title><svg onload=alert(1)> from hostile.csv");
    expect(await page.locator("h1 svg, img, script").count()).toBe(0);
    await page.close();
  });

  it.each(["classes", "numbers", "nothing", "hostile"])("(%s) fits a phone and a desktop, light and dark, asks for nothing and breaks no rule of its own", async (name) => {
    const backgrounds = new Set<string>();
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [360, 1200]) {
        const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
        const trouble: string[] = [];
        page.on("console", (message) => trouble.push(message.text()));
        page.on("pageerror", (error) => trouble.push(String(error)));
        page.on("request", (request) => void (request.url().startsWith("file:") || trouble.push(request.url())));
        await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
        expect(trouble).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
        const contrast = await page.evaluate(() => getComputedStyle(document.body).color);
        expect(backgrounds.has(contrast)).toBe(false);
        for (const title of await page.locator("svg > title").allTextContents()) expect(title).not.toBe("");
        await page.close();
      }
    }
    expect(backgrounds.size).toBe(2);
  }, 60_000);

  it("is the same page for the same training but for the time it took", async () => {
    const again = await trainWithReport("again", data("penguins"), "--target", "Species");
    const timeless = (page: string): string => page.replace(/epochs in [\d.]+ (s|min)[^<]*/, "");
    expect(timeless(again)).toBe(timeless(pages.classes));
  }, 30_000);

  it("is named with --json", async () => {
    const { stdout } = await run("train", data("iris"), "--target", "species", "--epochs", "2", "--json", "--quiet", "--report", "named.html", "--out", "named.safetensors");
    expect(JSON.parse(stdout).report).toBe("named.html");
  });
});

describe("findings", () => {
  it("say that more epochs may help, and that a model is no better than a guess", async () => {
    const rows = Array.from({ length: 200 }, (_, i) => `${(i * 7919) % 101},${i % 5 === 0 ? "rare" : "usual"}`);
    await writeFile(join(folder, "noise.csv"), `x,class\n${rows.join("\n")}\n`);
    const page = await trainWithReport("noise", "noise.csv", "--target", "class", "--epochs", "3");
    expect(page).toContain("More --epochs may help.");
    expect(page).toMatch(/To answer the most frequent class always is right in 80\.0 % of the test rows, the model in 80\.0 %\./);
    expect(page).toContain("One class is never answered: rare.");
  }, 30_000);

  it("say that the mean is as good an answer, where it is, and nothing of it elsewhere", async () => {
    const rows = Array.from({ length: 200 }, (_, i) => `${(i * 7919) % 101},${((i * 104729) % 997) + 0.5}`);
    await writeFile(join(folder, "numbers.csv"), `x,y\n${rows.join("\n")}\n`);
    const said = "to answer the mean always is as good.";
    const page = await trainWithReport("numbers", "numbers.csv", "--target", "y", "--epochs", "60", "--learning-rate", "0.03", "--validation", "0");
    expect(page).toMatch(new RegExp(`R² is -\\d\\.\\d+ on the test rows: ${said}`));
    await writeFile(join(folder, "line.csv"), `x,y\n${Array.from({ length: 200 }, (_, i) => `${i},${3 * i + 0.5}`).join("\n")}\n`);
    expect(await trainWithReport("line", "line.csv", "--target", "y", "--epochs", "60", "--learning-rate", "0.03")).not.toContain(said);
  }, 60_000);
});

describe("importance", () => {
  const preparation: Preparation = {
    task: "regression", target: "t", mean: 0, deviation: 1, notes: [],
    columns: [
      { name: "unused", kind: "numeric", mean: 0, deviation: 1, indicator: false },
      { name: "used", kind: "numeric", mean: 0, deviation: 1, indicator: true },
    ],
  };

  it("is what a column is worth, 0 for one that the network does not look at, and drawn from the seed", async () => {
    const network = await Network.create({ inputs: 3, layers: [dense(1)] });
    network.layers[0].weights.set([0, 2, 0]);
    const inputs = Float32Array.from({ length: 300 }, (_, i) => ((i * 37) % 41) - 20);
    const expected = network.predict(inputs);
    const score = (outputs: Float32Array): number => -outputs.reduce((sum, output, i) => sum + (output - expected[i]) ** 2, 0) / outputs.length;
    const found = await importanceOf(network, preparation, inputs, { seed: 3, score });
    expect(found.map(({ name }) => name)).toEqual(["used", "unused"]);
    expect(found[1]).toEqual({ name: "unused", value: 0, deviation: 0 });
    const values = expected.reduce((sum, value) => sum + value, 0) / 100;
    const variance = expected.reduce((sum, value) => sum + (value - values) ** 2, 0) / 100;
    expect(found[0].value / (2 * variance)).toBeGreaterThan(0.8);
    expect(found[0].value / (2 * variance)).toBeLessThan(1.2);
    expect(await importanceOf(network, preparation, inputs, { seed: 3, score })).toEqual(found);
    expect(await importanceOf(network, preparation, inputs, { seed: 4, score })).not.toEqual(found);
  });

  it("is taken on fewer rows where there are many columns", () => {
    expect([importanceRows(10, 100), importanceRows(10, 1e7), importanceRows(1e6, 1000)]).toEqual([100, 80_000, 50]);
  });
});

describe("charts", () => {
  it("have round marks within their range", () => {
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
    expect(ticks(-3, 12, 5)).toEqual([-0, 5, 10].map((value) => value + 0));
    expect(ticks(5, 5, 5)).toEqual([5]);
    for (const [low, high] of [[1e-300, 2e-300], [-1e300, 1e300], [0, 5e-324], [-1.7e308, 1.7e308]]) expect(ticks(low, high, 5).length).toBeLessThan(12);
  });

  it("draw finite places whatever the figures", () => {
    const all = [
      lineChart("a", "t", "loss", [{ name: "training", style: "a", points: [[1, 5]] }], 1),
      lineChart("b", "t", "loss", [{ name: "training", style: "a", points: [[1, 1e300], [2, 1e-300], [3, -1e300]] }], 2),
      scatterChart("c", "t", "u", [[1, 1]]), scatterChart("d", "t", "u", [[-1.7e308, 1.7e308], [0, 0]]),
      barChart("e", "t", [{ name: "n", value: 0, deviation: 0 }, { name: "m", value: -1, deviation: 5 }]),
    ];
    for (const drawing of all) expect(drawing).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe("a page", () => {
  it("shows the most frequent mistakes of many classes", () => {
    const classes = Array.from({ length: 40 }, (_, i) => `class ${i}`);
    const matrix = classes.map((_, i) => classes.map((__, k) => (i === k ? 10 : i === 3 && k === 7 ? 4 : 0)));
    const report: Report = {
      title: "t", subtitle: "s", figures: [], history: [], bestEpoch: 0, measure: "accuracy", judgedOn: { name: "test", rows: 404 }, confusion: { matrix, classes },
      importance: [], importanceMeasure: "", importanceRows: 0, columns: [], notes: [], summary: "", findings: [{ message: "<m>", advice: "<a>" }], command: "<c>", version: "1",
    };
    const page = renderReport(report);
    expect(page).toContain('<th scope="row">class 3</th><td>class 7</td><td class="n">4</td>');
    expect(page).toContain("&#60;m&#62;");
    expect(page).not.toContain("<m>");
  });

  it("escapes markup, quotes and control characters, and cuts long texts", () => {
    expect(escape("<a b=\"c\" d='e'>&`\n\u0000\u2028")).toBe("&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;&#38;&#96;\\u{a}\\u{0}\\u{2028}");
    expect(cutText("abcdef", 4)).toBe('<span title="abcdef">abc…</span>');
    expect(cutText("abcd", 4)).toBe("abcd");
  });
});
