import { chromium } from "playwright-core";
import { browserPath, browserArguments } from "./scripts/browser.mjs";
const b = await chromium.launch({ executablePath: browserPath(), args: browserArguments });
for (const f of process.argv.slice(2)) for (const [w,s] of [[1200,"light"],[1200,"dark"],[360,"light"],[360,"dark"]]) {
  const p = await b.newPage({ viewport: { width: w, height: 800 }, colorScheme: s, deviceScaleFactor: w===360?1.5:0.8 });
  p.on("console", m=>console.log(f,m.text())); p.on("request", r=>{ if(!r.url().startsWith("file:")) console.log("REQUEST", r.url())});
  await p.goto("file:///tmp/t/"+f+".html"); 
  const over = await p.evaluate(()=>document.documentElement.scrollWidth - innerWidth); if(over>0) console.log(f,w,"overflow",over);
  await p.screenshot({ path: `/tmp/t/${f}-${w}-${s}.png`, fullPage: true }); await p.close(); }
await b.close();
