// Notebooks on the server: whose they are, who may change them, and what becomes of two people's changes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

const server = useServer();
const CELLS = [{ kind: "text", text: "왜?" }, { kind: "sql", text: "SELECT 1", view: "chart" }];

const as = async (role, scope) => {
  const { json } = await server.admin.post("/v1/tokens", { name: `${role} ${scope}`, role, scope });
  return server.admin.as(json.token);
};
const put = (api, id, body) => api.put(`/v1/notebooks/${id}`, body);

test("a notebook is kept, changed and removed by whoever reads its scope", async () => {
  const [analyst, admin, other, writer] = await Promise.all([as("analyst", "advertiser:acme"), as("admin", "advertiser:acme"), as("admin", "advertiser:globex"), as("write", "advertiser:acme")]);
  const made = await analyst.post("/v1/notebooks", { name: " Spend ", cells: CELLS });
  assert.equal(made.status, 201, made.text);
  const { id } = made.json;
  assert.deepEqual([made.json.name, made.json.scope, made.json.revision], ["Spend", "advertiser:acme", 1]);
  assert.deepEqual(made.json.cells, [{ ...CELLS[0], view: "table" }, CELLS[1]]);
  assert.deepEqual((await admin.get(`/v1/notebooks/${id}`)).json, made.json);
  const { cells, ...info } = made.json;
  assert.deepEqual((await admin.get("/v1/notebooks")).json.notebooks, [info]);
  assert.deepEqual((await server.admin.get("/v1/notebooks?scope=advertiser:acme")).json.notebooks, [info]);
  assert.deepEqual((await server.admin.get("/v1/notebooks")).json.notebooks, []);

  // Others see neither it nor that it exists.
  assert.deepEqual((await other.get("/v1/notebooks")).json.notebooks, []);
  isProblem(await other.get(`/v1/notebooks/${id}`), 404, "notebook_not_found");
  isProblem(await put(other, id, { name: "Mine", cells }), 404, "notebook_not_found");
  isProblem(await other.delete(`/v1/notebooks/${id}`), 404, "notebook_not_found");
  isProblem(await other.get("/v1/notebooks?scope=advertiser:acme"), 403, "foreign_scope");
  isProblem(await writer.get("/v1/notebooks"), 403, "role_forbidden");
  isProblem(await writer.get(`/v1/notebooks/${id}`), 403, "role_forbidden");

  const changed = await put(admin, id, { name: "Spend by ad", cells: [CELLS[1]], revision: 1 });
  assert.deepEqual([changed.status, changed.json.revision, changed.json.name], [200, 2, "Spend by ad"]);
  isProblem(await put(analyst, id, { name: "Old", cells, revision: 1 }), 409, "notebook_changed");
  assert.equal((await put(analyst, id, { name: "Whatever is there", cells })).json.revision, 3);
  assert.equal((await analyst.delete(`/v1/notebooks/${id}`)).status, 204);
  isProblem(await analyst.get(`/v1/notebooks/${id}`), 404, "notebook_not_found");
});

test("what is beyond a limit is refused", async () => {
  for (const [body, about] of [
    [{ name: " ", cells: CELLS }, /name/],
    [{ name: "n", cells: [] }, /cells/],
    [{ name: "n", cells: Array.from({ length: 101 }, () => CELLS[0]) }, /101/],
    [{ name: "n", cells: [{ kind: "text", text: "x".repeat(400_001) }] }, /400001/],
  ]) {
    isProblem(await server.admin.post("/v1/notebooks", body), 422, "invalid_notebook", about);
  }
  isProblem(await server.admin.post("/v1/notebooks", { name: "n", cells: [{ kind: "chart", text: "" }] }), 422, "invalid_body");
  isProblem(await server.admin.post("/v1/notebooks", { name: "n", cells: [{ kind: "text", text: "x".repeat(800_001) }] }), 413, "body_too_large");
});
