import assert from "node:assert/strict";
import { test } from "node:test";

import { tidy } from "../src/words.js";

test("text becomes tidy", () => {
  assert.equal(tidy(""), "");
  assert.equal(tidy("one"), "one");
  assert.equal(tidy("  two \n words"), "two words");
});
