import assert from "node:assert/strict";
import { test } from "node:test";

import { keep, recalled } from "../src/draft.ts";
import { EMPTY } from "../src/state.ts";

/** What a browser keeps for a tab, with room for so many characters. */
function room(most: number): Map<string, string> {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    removeItem: (key: string) => void kept.delete(key),
    setItem: (key: string, value: string) => {
      if (value.length > most) throw new DOMException("full", "QuotaExceededError");
      kept.set(key, value);
    },
  };
  Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
  return kept;
}

test("a request is kept, without the headers that are credentials", () => {
  const kept = room(10_000);
  const names = ["Authorization", "proxy-authorization", "Cookie", "X-Api-Key", "X-CSRF-Token", "Accept"];
  const request = { ...EMPTY, body: "typed", headers: names.map((name) => ({ name, value: "hunter2" })) };
  keep(request);
  assert.deepEqual(recalled(), { ...request, headers: [{ name: "Accept", value: "hunter2" }] });
  assert.equal([...kept.values()].join().match(/hunter2/g)?.length, 1);
});

test("a request that is too long to keep leaves no former one behind", () => {
  room(1000);
  keep({ ...EMPTY, body: "before" });
  keep({ ...EMPTY, body: "x".repeat(1000) });
  assert.equal(recalled(), null);
});

test("what cannot be read is none", () => {
  const kept = room(1000);
  keep(EMPTY);
  for (const key of kept.keys()) kept.set(key, "{");
  assert.equal(recalled(), null);
  Reflect.deleteProperty(globalThis, "sessionStorage");
  assert.equal(recalled(), null);
  keep(EMPTY);
});
