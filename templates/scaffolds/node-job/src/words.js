// The work: counting words.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** How many words the files hold, or without files, the input. */
export async function count(files, input) {
  if (files.length === 0) {
    return words(input);
  }
  let total = 0;
  for (const file of files) {
    total += await words(createReadStream(file));
  }
  return total;
}

async function words(input) {
  let total = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    total += line.split(/\s+/u).filter(Boolean).length;
  }
  return total;
}
