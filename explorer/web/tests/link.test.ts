import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { WORDS, fragment, isMasked, maskBody, restored } from "../src/link.ts";
import type { Composed } from "../src/types.ts";

const REQUEST: Composed = {
  method: "POST",
  path: "/ws/v1/devices/inventory/{id}",
  path_values: { id: "00000000-00000000-00409DFF-FF000001" },
  params: [
    { name: "query", value: "name = 'ä & # % +\u{1F600}'", on: true },
    { name: "size", value: "", on: false },
  ],
  headers: [{ name: "X-Note", value: "a b" }],
  body: '{"id": 12345678901234567890,\r\n "name": "x"}',
  content_type: "application/json",
};

test("a link gives the request back as it was", () => {
  assert.deepEqual(restored(fragment(REQUEST)), REQUEST);
});

test("half a character survives a link", () => {
  const odd = { ...REQUEST, body: "a\ud800b" };
  assert.deepEqual(restored(fragment(odd)), odd);
});

test("no secret is in a link", () => {
  const secret = "hunter2";
  const link = fragment({
    ...REQUEST,
    path: `https://me:${secret}@host/ws?password=${secret}&a=b`,
    path_values: { auth_token: secret },
    params: [{ name: "client_secret", value: secret, on: false }],
    headers: ["Authorization", "x-api-key-secret", "X-API-KEY-ID", "Cookie", "X-Auth-Token"].map((name) => ({
      name,
      value: secret,
    })),
    body: `{"install_code": "${secret}", "deep": [{"PASSWORD": ["${secret}", {"a": "${secret}"}]}]}`,
  });
  assert.ok(!link.includes(secret), link);
  assert.ok(isMasked(restored(link)!));
  assert.deepEqual(restored(link)!.headers, []);
});

const BODIES: [string, string][] = [
  ['{"id": 12345678901234567890, "password": "x\\"y"}', '{"id": 12345678901234567890, "password": "***"}'],
  ['{"pass\\u0077ord":"x"}', '{"pass\\u0077ord":"***"}'],
  ['{"secret": {"a": [1, "}"]}, "b": 2}', '{"secret": "***", "b": 2}'],
  ['{"password": null, "secret": "", "b": 1}', '{"password": null, "secret": "", "b": 1}'],
  ['{"password": "never closed, "b": 1', '{"password": "***"b": 1'],
  ['{"password": "never closed', '{"password": "***"'],
  ['{"password": 17, "b": "password"}', '{"password": "***", "b": "password"}'],
  ['["password", "x"]', '["password", "x"]'],
  ["<user><password>x</password><b>y</b></user>", "<user><password>***</password><b>y</b></user>"],
  ["<password><![CDATA[a<b]]></password>", "<password>***</password>"],
  ["<user password='x' b='y'/>", "<user password=\"***\" b='y'/>"],
  ["<password/>text", "<password/>text"],
  ["<password>never closed", "<password>***"],
  ["a=b&password=x%20y&c=d", "a=b&password=***&c=d"],
  ['{"devInstallCode": "x", "api_keys": "y"}', '{"devInstallCode": "***", "api_keys": "y"}'],
  ["<devInstallCode>x</devInstallCode>", "<devInstallCode>***</devInstallCode>"],
  ["plain words of a secret", "plain words of a secret"],
];

for (const [body, masked] of BODIES) {
  test(`masked: ${body}`, () => assert.equal(maskBody(body), masked));
}

test("a large body is masked in no time that grows with its square", () => {
  const parts = ['"password":', "<password>", '"password":"x",', "{", ' secret="', '"\\', "<password", "secret "];
  for (const part of parts) {
    assert.ok(maskBody(part.repeat(20_000)).length > 0);
  }
});

const HOSTILE = [
  "",
  "#",
  "#request",
  "#request=",
  "#request=null",
  "#request=[]",
  "#request=%",
  "#request=%7B",
  "#other=1",
  '#request={"method":"GET"}',
  '#request={"method":1,"path":"/ws"}',
  '#request={"method":"GET","path":"/ws","params":{}}',
  '#request={"method":"GET","path":"/ws","params":[{"name":"a","value":1,"on":true}]}',
  '#request={"method":"GET","path":"/ws","params":[null]}',
  '#request={"method":"GET","path":"/ws","headers":[{"name":"a"}]}',
  '#request={"method":"GET","path":"/ws","path_values":{"a":{}}}',
  `#request=${"[".repeat(100_000)}`,
  `#request={"method":"GET","path":"/ws","params":[${'{"name":"a","value":"","on":true},'.repeat(2000)}{}]}`,
];

for (const hash of HOSTILE) {
  test(`no request: ${hash.slice(0, 70)}`, () => assert.equal(restored(hash), null));
}

test("what is missing is empty, and what is unknown is left out", () => {
  const found = restored('#request={"method":"get","path":"/ws","__proto__":{"x":1},"constructor":1,"evil":2}');
  assert.deepEqual(found, {
    method: "GET",
    path: "/ws",
    path_values: {},
    params: [],
    headers: [],
    body: "",
    content_type: "",
  });
});

test("the page and the client agree on what is secret", () => {
  const there = readFileSync(new URL("../../../runtime/digirm_runtime/secrets.py", import.meta.url), "utf8");
  const [, pieces] = /^WORDS = \(([\s\S]*?)^\)/m.exec(there)!;
  assert.equal([...pieces!.matchAll(/r"([^"]*)"/g)].map(([, piece]) => piece).join(""), WORDS);
});
