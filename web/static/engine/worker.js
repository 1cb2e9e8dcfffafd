// Answers statements in a thread of its own, one after the other, so that the page stays awake.
import init, { Engine } from "/engine/adtally_engine.js";

/** What the engine fetches with; a body is a statement for the server. */
async function fetched(address, body) {
  const options = body === undefined ? {} : { method: "POST", body, headers: { "content-type": "application/json" } };
  const response = await fetch(address, options);
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw Object.assign(new Error(problem.detail ?? `${address}: ${response.status}`), { code: problem.code });
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { bytes, version: response.headers.get("adtally-version") ?? "" };
}

let engine;
let before = Promise.resolve();

onmessage = ({ data: { id, scope, tz, sql } }) => {
  before = before.then(async () => {
    try {
      if (scope !== undefined) {
        await init({ module_or_path: "/engine/adtally_engine_bg.wasm" });
        engine = new Engine(scope, tz);
      }
      const answer = await engine.answer(sql, Date.now(), fetched);
      postMessage({ id, answer, cells: engine.cells(), bytes: engine.bytes() });
    } catch (error) {
      postMessage({ id, code: error?.code ?? "engine_failed", detail: String(error?.detail ?? error?.message ?? error) });
    }
  });
};
