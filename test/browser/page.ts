// What page.html runs: it makes the actions known to the test that drives the page.

import { actions } from "./actions.js";

Object.assign(globalThis, { actions });
