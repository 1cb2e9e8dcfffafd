// The API describes itself, and the description is true.

import assert from "node:assert/strict";
import { test } from "node:test";

import { useServer } from "./server.mjs";

const METHODS = ["get", "put", "post", "delete", "patch", "head", "options"];
const server = useServer();

const document = async () => {
  const answer = await server.admin.as(undefined).get("/openapi.json");
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

/** Every operation as [method, path, operation]. */
const operations = ({ paths }) =>
  Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => [method, path, item[method]]),
  );

/** Every `$ref` in a document. */
function* references(node) {
  if (node === null || typeof node !== "object") return;
  if (typeof node.$ref === "string") yield node.$ref;
  for (const child of Object.values(node)) yield* references(child);
}

test("the document is whole", async () => {
  const doc = await document();
  assert.match(doc.openapi, /^3\.[01]\.\d+$/);
  assert.ok(doc.info.title && doc.info.version);
  for (const ref of references(doc)) {
    assert.match(ref, /^#\//);
    const target = ref.slice(2).split("/").reduce((node, part) => node?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], doc);
    assert.ok(target, `${ref} leads nowhere`);
  }
  const names = new Set();
  for (const [method, path, operation] of operations(doc)) {
    const where = `${method} ${path}`;
    assert.ok(operation.summary || operation.description, `${where} says nothing`);
    assert.ok(Object.keys(operation.responses ?? {}).length > 0, `${where} has no responses`);
    if (operation.operationId) assert.ok(!names.has(operation.operationId) && names.add(operation.operationId), where);
    const declared = [...(doc.paths[path].parameters ?? []), ...(operation.parameters ?? [])]
      .map((parameter) => (parameter.$ref ? doc.components.parameters[parameter.$ref.split("/").at(-1)] : parameter))
      .filter((parameter) => parameter.in === "path")
      .map(({ name }) => name);
    const used = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual(declared.toSorted(), used.toSorted(), where);
  }
});

test("what the contract promises is in it", async () => {
  const documented = new Set(operations(await document()).map(([method, path]) => `${method} ${path.replace(/\{\w+\}/g, "{}")}`));
  const catalog = ["advertisers", "campaigns", "ads", "services", "placements"];
  const promised = [
    "post /v1/events",
    "get /v1/events",
    "get /v1/events/{}",
    "get /v1/reports",
    "get /v1/live",
    "get /v1/billing",
    "get /v1/billing/entries",
    "get /v1/billing/outbox",
    "get /v1/billing/dead",
    "post /v1/billing/dead/replay",
    "post /v1/jobs",
    "get /v1/jobs",
    "get /v1/jobs/{}",
    "post /v1/jobs/{}/retry",
    "post /v1/jobs/{}/cancel",
    "get /v1/jobs/{}/tasks/{}",
    "get /v1/jobs/definitions",
    "get /v1/jobs/definitions/{}",
    "put /v1/jobs/definitions/{}",
    "delete /v1/jobs/definitions/{}",
    "post /v1/session",
    "get /v1/session",
    "delete /v1/session",
    "get /v1/tokens",
    "post /v1/tokens",
    "delete /v1/tokens/{}",
    ...catalog.flatMap((plural) => [`get /v1/${plural}`, `get /v1/${plural}/{}`, `put /v1/${plural}/{}`]),
    "get /healthz",
    "get /openapi.json",
  ];
  assert.deepEqual(promised.filter((route) => !documented.has(route)), []);
});

test("every documented operation is answered by the API", async () => {
  const all = operations(await document());
  assert.ok(all.length >= 20);
  for (const [method, path] of all) {
    const answer = await server.admin.as(undefined).request(method.toUpperCase(), path.replace(/\{\w+\}/g, "x"));
    const where = `${method} ${path}: ${answer.status}`;
    assert.ok(answer.status !== 404 && answer.status !== 405 && answer.status < 500, where);
    assert.doesNotMatch(answer.headers.get("content-type") ?? "", /^text\/html/, where);
  }
});

test("what is not documented is not found, and says so as a problem", async () => {
  for (const path of ["/v1/nothing", "/v1/", "/v1/reports/x/y"]) {
    const answer = await server.admin.get(path);
    assert.deepEqual([answer.status, answer.json?.code], [404, "not_found"], path);
  }
  const answer = await server.admin.delete("/v1/reports");
  assert.deepEqual([answer.status, answer.json?.code], [405, "method_not_allowed"]);
});

test("pages and API answers carry the headers that keep browsers safe", async () => {
  const page = await server.admin.as(undefined).get("/");
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-type"), /^text\/html/);
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'self'/);
  const api = await server.admin.get("/v1/advertisers");
  for (const answer of [page, api]) assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.match(api.headers.get("cache-control") ?? "", /no-store|private/);
  assert.match(api.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  for (const name of ["referrer-policy", "strict-transport-security"]) assert.ok(page.headers.has(name) && api.headers.has(name), name);
});
