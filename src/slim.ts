// rosenblatt/slim: rosenblatt without an embedded binary. `configure({ wasm })` gives one, before the first network: nothing else
// is resolved or fetched then. The build makes dist/slim.js of src/index.ts with no core in place of build/embedded.ts; this file is
// its types.

export * from "./index.js";
