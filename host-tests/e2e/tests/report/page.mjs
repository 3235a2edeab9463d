// Looks at a page in a browser, and writes what it saw to standard output as JSON.
//
// node page.mjs PLAYWRIGHT CHROMIUM PAGE FOLDER; pictures of the page go into the folder.
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [playwright, executablePath, file, folder] = process.argv.slice(2);
const { chromium } = (await import(pathToFileURL(join(playwright, "index.js")).href)).default;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const url = pathToFileURL(file).href;
const seen = { complaints: [], requests: [], dialogs: 0, looks: {} };

for (const [name, colorScheme, width] of [
  ["light", "light", 1280],
  ["dark", "dark", 1280],
  ["narrow", "light", 390],
]) {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  page.on("console", (message) => seen.complaints.push(message.text()));
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  page.on("request", (request) => request.url() === url || seen.requests.push(request.url()));
  page.on("dialog", (dialog) => { seen.dialogs += 1; return dialog.dismiss(); });
  await page.goto(url);
  await page.screenshot({ path: join(folder, `report-${name}.png`), fullPage: true });
  seen.looks[name] = await page.evaluate(() => {
    const box = (element) => element.getBoundingClientRect();
    const figures = [...document.querySelectorAll("figure")].map((figure) => {
      const svg = figure.querySelector("svg");
      const marks = [...figure.querySelectorAll("svg rect")];
      const outer = svg && box(svg);
      const isOut = (text) => {
        const inner = box(text);
        return inner.left < outer.left - 1 || inner.right > outer.right + 1 ||
          inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
      };
      return {
        caption: figure.querySelector("figcaption").textContent,
        marks: marks.length,
        empty: marks.filter((mark) => box(mark).width < 1 || box(mark).height < 1).length,
        cut: [...figure.querySelectorAll("svg text")].filter(isOut).map((it) => it.textContent),
        named: svg?.getAttribute("role") === "img" && !!svg.getAttribute("aria-label"),
        rows: figure.querySelectorAll("table tbody tr").length,
      };
    });
    return {
      figures,
      background: getComputedStyle(document.body).backgroundColor,
      color: getComputedStyle(document.body).color,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      scripts: document.scripts.length,
      images: document.images.length,
      owned: typeof window.owned !== "undefined",
      title: document.title,
      lang: document.documentElement.lang,
      text: document.body.textContent,
      headings: [...document.querySelectorAll("h1, h2, h3")].map((it) => Number(it.tagName[1])),
    };
  });
  if (name === "light") {
    seen.pages = (await page.pdf({ format: "A4" })).length;
  }
  await page.close();
}
await browser.close();
process.stdout.write(JSON.stringify(seen));
