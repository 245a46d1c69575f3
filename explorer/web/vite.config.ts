import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  // The server puts a nonce of its own into every page it gives.
  html: { cspNonce: "DIGIRM_NONCE" },
  build: {
    outDir: "../digirm_explorer/static",
    emptyOutDir: true,
    target: "es2022",
    // Browsers that know light-dark() themselves: the colours stay as they are written.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
    // Nothing is inlined as data: the policy of the page allows none.
    assetsInlineLimit: 0,
  },
});
