// The page of browser-sql.mjs: the same statements, answered by our module, by DuckDB and by SQLite, all as WebAssembly
// in threads of their own, timed as a page sees them: from the call to rows of values.

const COLUMNS = ["hour", "campaign", "ad", "service", "placement", "country", "device", "impressions", "clicks", "conversions", "cost_micros", "value_micros"];
const TEXTS = 7;

/** A thread that is asked one thing at a time. */
class Thread {
  #worker;
  #waiting = new Map();
  #last = 0;

  constructor(address, options) {
    this.#worker = new Worker(address, options);
    this.#worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.detail === undefined) resolve(data);
      else reject(new Error(data.detail));
    };
    this.#worker.onerror = ({ message }) => this.#waiting.forEach(({ reject }) => reject(new Error(message)));
  }

  ask(message, transfer = []) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...message }, transfer);
    });
  }
}

const bytesOf = async (address) => new Uint8Array(await (await fetch(address)).arrayBuffer());

async function ours(days) {
  const thread = new Thread("/ours.js", { type: "module" });
  const start = performance.now();
  let cells = 0;
  for (const day of days) {
    const bytes = await bytesOf(`/cells/${day}`);
    ({ cells } = await thread.ask({ bytes }, [bytes.buffer]));
  }
  const load = performance.now() - start;
  return { load, cells, rows: async (sql) => JSON.parse((await thread.ask({ sql })).answer).rows };
}

/** All cells as lines of CSV, as our module tells them, an hour at a time. */
async function csvOf(engine) {
  const hours = (await engine.rows("SELECT DISTINCT hour FROM ad_stats ORDER BY hour")).flat();
  const lines = [COLUMNS.join(",")];
  for (const hour of hours) {
    for (const row of await engine.rows(`SELECT ${COLUMNS.join(", ")} FROM ad_stats WHERE hour = '${hour}'`)) lines.push(row.join(","));
  }
  return lines;
}

async function duckdb(lines) {
  const { AsyncDuckDB, VoidLogger } = await import("/duckdb.js");
  const db = new AsyncDuckDB(new VoidLogger(), new Worker("/duckdb/duckdb-browser-eh.worker.js"));
  const start = performance.now();
  await db.instantiate("/duckdb/duckdb-eh.wasm");
  await db.registerFileText("cells.csv", lines.join("\n"));
  const connection = await db.connect();
  const types = COLUMNS.map((name, i) => `'${name}': '${i === 0 ? "TIMESTAMP" : i < TEXTS ? "VARCHAR" : "BIGINT"}'`).join(", ");
  await connection.query(`CREATE TABLE ad_stats AS SELECT * FROM read_csv('cells.csv', header = true, columns = {${types}})`);
  const load = performance.now() - start;
  return { load, rows: async (sql) => (await connection.query(sql)).toArray().map((row) => [...row].map(([, value]) => value)) };
}

async function sqlite(lines) {
  const thread = new Thread("/sqlite-thread.js", { type: "module" });
  const start = performance.now();
  await thread.ask({ columns: COLUMNS, texts: TEXTS, lines });
  const load = performance.now() - start;
  return { load, rows: async (sql) => (await thread.ask({ sql })).rows };
}

/** Rows in one spelling, in an order of their own. */
function normal(rows) {
  const cell = (value) => {
    if (typeof value === "bigint") return Number(value);
    if (value instanceof Date) return value.getTime();
    if (typeof value === "string" && /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d/.test(value)) return Date.parse(`${value.slice(0, 19).replace(" ", "T")}Z`);
    // Sums are wider than a number in Arrow: four words, the lowest first.
    if (value instanceof Uint32Array) return value[0] + value[1] * 2 ** 32;
    return value;
  };
  return rows.map((row) => JSON.stringify(row.map(cell))).toSorted();
}

async function timed(engine, queries, runs) {
  const told = { load: engine.load, times: {}, rows: {} };
  for (const [name, sql] of Object.entries(queries)) {
    told.rows[name] = normal(await engine.rows(sql));
    told.times[name] = [];
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      await engine.rows(sql);
      told.times[name].push(performance.now() - start);
    }
  }
  return told;
}

/** What `browser-sql.mjs` calls. */
globalThis.measure = async ({ days, queries, runs, peers }) => {
  const engine = await ours(days);
  const told = { cells: engine.cells, ours: await timed(engine, queries, runs) };
  if (peers) {
    const lines = await csvOf(engine);
    told.lines = lines.length - 1;
    told["duckdb-wasm"] = await timed(await duckdb(lines), queries, runs);
    told["SQLite wasm"] = await timed(await sqlite(lines), queries, Math.min(runs, 5));
  }
  return told;
};
