// Writes the pages and pictures of the lessons: runs each lesson, puts its figures, code and output into the texts, in English and in Chinese.
//
//   npm run lessons
//
//   texts/01-the-neuron.en.md   the text. {{name}} is a figure that the lesson prints, {{code name}} the lines of the lesson between // [name] and // [end],
//                               {{output}} what it prints, {{picture}} its picture; <!-- claim name --> stands before what a test holds the lesson to
//   01-the-neuron.md, .zh.md    the pages; pictures/01.en.svg, .zh.svg their pictures

import { readFile, readdir, writeFile } from "node:fs/promises";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const languages = ["en", "zh"];
const ending = { en: ".md", zh: ".zh.md" };
const says = {
  en: { run: "Run it", other: "中文", index: "All lessons", before: "Before", next: "Next", picture: "Picture" },
  zh: { run: "运行", other: "English", index: "全部课程", before: "上一课", next: "下一课", picture: "图" },
};

const fileOf = (path) => new URL(path, import.meta.url);

/** The names of the lessons, in order: 01-the-neuron, … */
export async function lessonNames() {
  return (await readdir(fileOf("."))).filter((file) => /^\d\d-.*\.mjs$/.test(file)).sort().map((file) => file.slice(0, -4));
}

export async function textOf(name, language) {
  return (await readFile(fileOf(`texts/${name}.${language}.md`), "utf8")).replaceAll("\r\n", "\n");
}

/** The lines of a source between // [part] and // [end], moved to the left margin. */
function codeOf(source, part) {
  const begin = `// [${part}]\n`;
  if (!source.includes(begin)) throw new Error(`{{code ${part}}}: expected a part of the lesson's source, got one that it does not have`);
  const after = source.slice(source.indexOf(begin) + begin.length);
  const lines = after.slice(0, after.indexOf("// [end]")).split("\n").slice(0, -1);
  const indent = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length));
  return lines.map((line) => line.slice(indent)).join("\n");
}

/** A text with its placeholders filled in. */
function filled(text, { figures, output, source, title, picture }) {
  return text.replace(/<!-- claim [^>]*-->/g, "").replace(/\{\{([^}]+)\}\}/g, (_, what) => {
    if (what === "output") return `\`\`\`text\n${output}\n\`\`\``;
    if (what === "picture") return `![${title}](${picture})`;
    if (what.startsWith("code ")) return `\`\`\`js\n${codeOf(source, what.slice(5))}\n\`\`\``;
    if (!Object.hasOwn(figures, what)) throw new Error(`{{${what}}}: expected the name of a figure that the lesson prints, one of ${Object.keys(figures).join(", ")}`);
    return figures[what];
  });
}

/** What a lesson gives, run once, and its files in both languages: path below examples/lessons → text. */
export async function made(name, names) {
  const { lesson, words } = await import(fileOf(`${name}.mjs`).href);
  const result = await lesson();
  const source = (await readFile(fileOf(`${name}.mjs`), "utf8")).replaceAll("\r\n", "\n");
  const files = {};
  for (const language of languages) {
    const picture = `pictures/${name.slice(0, 2)}.${language}.svg`;
    files[picture] = result.picture(words[language]);
    const page = filled(await textOf(name, language), { ...result, source, title: words[language].title, picture });
    const say = says[language];
    const at = names.indexOf(name);
    const link = (label, other) => `[${label}](${other}${ending[language]})`;
    const links = [
      ...(at > 0 ? [link(say.before, names[at - 1])] : []), link(say.index, "README"), ...(at + 1 < names.length ? [link(say.next, names[at + 1])] : []),
      `[${say.other}](${name}${ending[language === "en" ? "zh" : "en"]})`,
    ];
    files[`${name}${ending[language]}`] = `${page.trimEnd()}\n\n---\n\n${say.run}: \`node examples/lessons/${name}.mjs\` · ${links.join(" · ")}\n`;
  }
  return { ...result, files };
}

/** The index in both languages: its text, with the titles of the pages as links. */
export async function index(names) {
  const files = {};
  for (const language of languages) {
    const titles = await Promise.all(names.map(async (name) => (await textOf(name, language)).split("\n", 1)[0].replace(/^# /, "")));
    const list = names.map((name, i) => `- [${titles[i]}](${name}${ending[language]})`).join("\n");
    files[`README${ending[language]}`] = (await textOf("README", language)).replace("{{lessons}}", () => list);
  }
  return files;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const names = await lessonNames();
  const all = [];
  for (const name of names) all.push((await made(name, names)).files);
  for (const [path, text] of Object.entries(Object.assign({}, await index(names), ...all))) {
    const before = await readFile(fileOf(path), "utf8").catch(() => undefined);
    if (before !== text) console.log(`wrote ${path}`);
    if (before !== text) await writeFile(fileOf(path), text);
  }
}
