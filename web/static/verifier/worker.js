// Links raw events in a thread of its own, so that the page stays awake.
import init, { verify } from "/verifier/adtally_verify.js";

async function bytesOf(address) {
  const response = await fetch(address);
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail ?? `${address}: ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

onmessage = async ({ data: { advertiser, day } }) => {
  try {
    await init({ module_or_path: "/verifier/adtally_verify_bg.wasm" });
    postMessage({ answer: await verify(advertiser, day, bytesOf) });
  } catch (error) {
    postMessage({ trouble: String(error?.message ?? error) });
  }
};
