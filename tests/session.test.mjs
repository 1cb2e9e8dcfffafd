// Signing in and out, and access tokens.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

const server = useServer();

const signIn = (token) => server.admin.as(undefined).post("/v1/session", { token });

/** The cookie of an answer as a browser would read it: its value and its attributes. */
function cookieOf(answer) {
  const [cookie] = answer.headers.getSetCookie();
  assert.ok(cookie, "no cookie was set");
  const [pair, ...attributes] = cookie.split(";").map((part) => part.trim());
  const [name, ...value] = pair.split("=");
  return { name, value: value.join("="), attributes: attributes.map((text) => text.toLowerCase()), header: { cookie: pair } };
}

describe("a browser session", () => {
  test("is a cookie that scripts cannot read and other sites cannot send", async () => {
    const answer = await signIn(server.adminToken);
    assert.deepEqual([answer.status, answer.json], [200, { role: "admin", scope: "platform" }]);
    const cookie = cookieOf(answer);
    assert.equal(cookie.name, "adtally_session");
    for (const attribute of ["httponly", "samesite=strict", "path=/"]) {
      assert.ok(cookie.attributes.includes(attribute), cookie.attributes.join("; "));
    }
    assert.ok(!cookie.value.includes(server.adminToken), "the cookie must not be the token");
  });

  test("opens what the token opens, until it is ended", async () => {
    const { header } = cookieOf(await signIn(server.adminToken));
    const browser = server.admin.as(undefined);
    const session = await browser.get("/v1/session", {}, header);
    assert.deepEqual([session.status, session.json], [200, { role: "admin", scope: "platform" }]);
    for (const path of ["/v1/reports?metrics=clicks", "/v1/advertisers", "/v1/tokens"]) {
      assert.equal((await browser.get(path, {}, header)).status, 200, path);
    }
    const ended = await browser.request("DELETE", "/v1/session", { headers: header });
    assert.equal(ended.status, 204);
    const cleared = cookieOf(ended);
    assert.ok(cleared.value === "" || cleared.attributes.includes("max-age=0"), JSON.stringify(cleared));
  });

  test("is not there without a cookie, or with a made-up or changed one", async () => {
    const browser = server.admin.as(undefined);
    isProblem(await browser.get("/v1/session"), 401, "unauthorized");
    const { value } = cookieOf(await signIn(server.adminToken));
    const changed = value.slice(0, -1) + (value.endsWith("A") ? "B" : "A");
    for (const forged of ["x", "a.b.c", changed, ""]) {
      isProblem(await browser.get("/v1/session", {}, { cookie: `adtally_session=${forged}` }), 401, "unauthorized");
    }
  });

  test("is not opened by a wrong token or a write key", async () => {
    for (const token of ["wrong", "", server.writeKey]) {
      const answer = await signIn(token);
      assert.ok([401, 403].includes(answer.status), answer.text);
      assert.deepEqual(answer.headers.getSetCookie(), []);
    }
    const malformed = await server.admin.as(undefined).post("/v1/session", "token=x", { "content-type": "text/plain" });
    assert.ok(malformed.status >= 400 && malformed.status < 500, malformed.text);
  });
});

describe("access tokens", () => {
  const create = (body) => server.admin.post("/v1/tokens", body);

  test("are shown once, listed without the secret, and revoked at once", async () => {
    const created = await create({ name: "Night report", role: "analyst", scope: "advertiser:acme" });
    assert.equal(created.status, 201, created.text);
    const { token, ...info } = created.json;
    assert.ok(token.length >= 24, "a secret must not be guessed");
    assert.deepEqual([info.name, info.role, info.scope], ["Night report", "analyst", "advertiser:acme"]);
    assert.ok(Math.abs(Date.parse(info.created) - Date.now()) < 60_000);

    const listed = await server.admin.get("/v1/tokens");
    assert.deepEqual(listed.json.tokens.find(({ id }) => id === info.id), info);
    assert.ok(!listed.text.includes(token));

    const analyst = server.admin.as(token);
    assert.equal((await analyst.get("/v1/reports", { metrics: "clicks" })).status, 200);
    const opened = await signIn(token);
    assert.deepEqual(opened.json, { role: "analyst", scope: "advertiser:acme" });
    const { header } = cookieOf(opened);

    assert.equal((await server.admin.delete(`/v1/tokens/${info.id}`)).status, 204);
    isProblem(await analyst.get("/v1/reports", { metrics: "clicks" }), 401, "unauthorized");
    isProblem(await server.admin.as(undefined).get("/v1/session", {}, header), 401, "unauthorized");
    isProblem(await server.admin.delete(`/v1/tokens/${info.id}`), 404, "token_not_found");
  });

  test("survive a restart", async () => {
    const { json } = await create({ name: "lasting", role: "analyst", scope: "platform" });
    await server.restart();
    assert.equal((await server.admin.as(json.token).get("/v1/session")).status, 200);
  });

  test("of an unknown role or scope are refused", async () => {
    for (const [role, scope] of [["root", "platform"], ["analyst", "planet:mars"], ["analyst", "advertiser:"], ["analyst", ""]]) {
      const answer = await create({ name: "odd", role, scope });
      assert.ok([400, 422].includes(answer.status), answer.text);
      assert.match(answer.json.code, /^[a-z_]+$/);
    }
  });

  test("are the business of the platform's admins alone", async () => {
    for (const [role, scope] of [["analyst", "platform"], ["admin", "advertiser:acme"], ["write", "platform"]]) {
      const { json } = await create({ name: "curious", role, scope });
      const api = server.admin.as(json.token);
      for (const answer of [
        await api.get("/v1/tokens"),
        await api.post("/v1/tokens", { name: "more", role: "admin", scope: "platform" }),
        await api.delete(`/v1/tokens/${json.id}`),
      ]) {
        assert.equal(answer.status, 403, `${role} ${scope}: ${answer.text}`);
      }
    }
  });
});
