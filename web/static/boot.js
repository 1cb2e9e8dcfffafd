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

// What `web/src/api/bench.rs` calls: a page that is a module of its own, put into an element.
globalThis.adtallyBench = async (root, told) => {
  if (!document.querySelector('link[href="/workbench/workbench.css"]')) {
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/workbench/workbench.css" });
    document.head.append(sheet);
    await new Promise((resolve) => Object.assign(sheet, { onload: resolve, onerror: resolve }));
  }
  const bench = await import("/workbench/adtally_workbench.js");
  await bench.default({ module_or_path: "/workbench/adtally_workbench_bg.wasm" });
  return bench.mount(root, told);
};

try {
  await init({ module_or_path: "/adtally_web_bg.wasm" });
  start();
} catch (error) {
  const text = document.getElementById("boot-text");
  if (text) text.textContent = TROUBLE[lang];
  throw error;
}
