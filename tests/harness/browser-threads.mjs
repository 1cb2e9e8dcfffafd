// The threads of browser-page.mjs, as texts: our module, and SQLite.

/** Our module with all cells in it. */
export const OURS = `
import init, { Engine } from "/engine/adtally_engine.js";
let engine;
const nothing = () => Promise.reject(new Error("everything is here"));
onmessage = async ({ data: { id, bytes, sql } }) => {
  try {
    if (bytes) {
      await init({ module_or_path: "/engine/adtally_engine_bg.wasm" });
      engine ??= new Engine("advertiser:acme", "UTC");
      engine.load(bytes, "v");
      postMessage({ id, cells: engine.cells() });
    } else {
      postMessage({ id, answer: await engine.answer(sql, Date.now(), nothing) });
    }
  } catch (error) {
    postMessage({ id, detail: String(error?.detail ?? error?.message ?? error) });
  }
};`;

/** SQLite with the same cells as rows of a table. */
export const SQLITE = `
import sqlite3InitModule from "/sqlite/index.mjs";
let db;
onmessage = async ({ data: { id, columns, texts, lines, sql } }) => {
  try {
    if (lines) {
      const sqlite3 = await sqlite3InitModule();
      db = new sqlite3.oo1.DB(":memory:");
      db.exec("CREATE TABLE ad_stats (" + columns.map((name, i) => name + (i < texts ? " TEXT" : " INTEGER")).join(", ") + ")");
      const insert = db.prepare("INSERT INTO ad_stats VALUES (" + columns.map(() => "?").join(", ") + ")");
      db.exec("BEGIN");
      for (const line of lines.slice(1)) {
        const values = line.split(",");
        for (let i = texts; i < values.length; i++) values[i] = Number(values[i]);
        insert.bind(values).stepReset();
      }
      db.exec("COMMIT");
      insert.finalize();
      postMessage({ id });
    } else {
      postMessage({ id, rows: db.exec(sql, { returnValue: "resultRows", rowMode: "array" }) });
    }
  } catch (error) {
    postMessage({ id, detail: String(error?.message ?? error) });
  }
};`;
