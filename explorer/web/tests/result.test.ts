import assert from "node:assert/strict";
import { test } from "node:test";

import { page, pageAt, turnTo } from "../src/answer/result.ts";
import { pages } from "../src/state.ts";
import type { Answer } from "../src/types.ts";

const answer = (id: string, count: number | null): Answer => {
  const text = JSON.stringify({ list: Array.from({ length: count ?? 0 }, (_, at) => ({ id: at })) });
  return { id, count, target: "/ws/v1/x", kind: "json", text, shortened: false, items: "list" } as unknown as Answer;
};

test("the last page is shown that holds something, until one turns to another", () => {
  pages.value = [answer("1", 2)];
  assert.equal(page.value?.id, "1");
  pages.value = [answer("1", 2), answer("2", 1)];
  assert.equal(page.value?.id, "2");
  pages.value = [...pages.value, answer("3", 0)];
  assert.equal(page.value?.id, "2");
  turnTo(2);
  assert.deepEqual([page.value?.id, pageAt.value], ["3", 2]);
  pages.value = [answer("1", 0)];
  assert.equal(page.value?.id, "1");
});
