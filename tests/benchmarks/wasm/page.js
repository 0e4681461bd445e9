import init from "./app.js";

try {
  await init({ module_or_path: "./app_bg.wasm" });
} catch (error) {
  await fetch("/failed", { method: "POST", body: String(error) });
}
