// Sets what the first paint needs, then starts the dashboard.
// A module file of its own: the content security policy allows no inline script.
import init, { start } from "/adtally_web.js";

const TROUBLE = {
  en: "The dashboard could not be loaded. Reload the page to try again.",
  ko: "대시보드를 불러오지 못했습니다. 페이지를 새로 고쳐 다시 시도하세요.",
};

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage is forbidden: the browser's own settings hold.
  }
}

const root = document.documentElement;
const lang = (stored("adtally.lang") ?? navigator.language).startsWith("ko") ? "ko" : "en";
root.lang = lang;
root.dataset.theme = stored("adtally.theme") ?? "system";

// What `web/src/api/verify.rs` calls.
globalThis.adtallyVerify = (advertiser, day) =>
  new Promise((resolve, reject) => {
    const worker = new Worker("/verifier/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => {
      worker.terminate();
      if (data.trouble === undefined) resolve(data.answer);
      else reject(new Error(data.trouble));
    };
    worker.onerror = ({ message }) => {
      worker.terminate();
      reject(new Error(message ?? "the verifier cannot be loaded"));
    };
    worker.postMessage({ advertiser, day });
  });

/** The module of the pages that few people open first, once somebody has asked for it. */
let bench;

/** A style sheet that is not there yet; without it the page is plain, but there. */
function styled(href) {
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  document.head.append(sheet);
  return new Promise((resolve) => Object.assign(sheet, { onload: resolve, onerror: resolve }));
}

let attempts = 0;
function loadBench() {
  bench ??= (async () => {
    // Some browsers remember that a module could not be loaded, by its address.
    const again = attempts++ === 0 ? "" : `?${attempts}`;
    const [module] = await Promise.all([import(`/workbench/adtally_workbench.js${again}`), styled("/workbench/workbench.css")]);
    await module.default({ module_or_path: "/workbench/adtally_workbench_bg.wasm" });
    return module;
  })();
  bench.catch(() => (bench = undefined));
  return bench;
}

// What `web/src/api/bench.rs` calls: a page that is a module of its own, put into an element.
globalThis.adtallyBench = async (root, told) => (await loadBench()).mount(root, told);

/** Loads that module before somebody needs it: when they point at a link to it, or when nothing else is left to do. */
function loadBenchSoon() {
  const ahead = () => loadBench().catch(() => {}); // The page itself says so when it is opened.
  for (const kind of ["pointerover", "focusin"])
    document.addEventListener(kind, ({ target }) => target.closest?.("a[data-loads]") && ahead(), { passive: true });
  const connection = navigator.connection;
  if (connection?.saveData || /(^|-)[23]g$/.test(connection?.effectiveType ?? "")) return;
  const idle = globalThis.requestIdleCallback ?? ((then) => setTimeout(then, 200));
  const look = () => {
    const isThere = document.querySelector('#content [data-busy="false"]') && !document.querySelector('#content [data-busy="true"]');
    if (isThere) idle(ahead);
    else setTimeout(look, 1_000);
  };
  setTimeout(look, 2_000);
}

try {
  await init({ module_or_path: "/adtally_web_bg.wasm" });
  start();
  loadBenchSoon();
} catch (error) {
  const text = document.getElementById("boot-text");
  if (text) text.textContent = TROUBLE[lang];
  throw error;
}
