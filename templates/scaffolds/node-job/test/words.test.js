import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";

import { count } from "../src/words.js";

test("it counts its input", async () => {
  assert.equal(await count([], Readable.from(["one two\n", "three\n"])), 3);
});

test("it counts files", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "words-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "a");
  await writeFile(file, "one two");
  assert.equal(await count([file, file]), 4);
});

test("a missing file is an error", async () => {
  await assert.rejects(count(["/nowhere/at/all"]), { code: "ENOENT" });
});
