// rosenblatt/relaxed: the core whose products use fused multiply-add, for networks created with `simd: "relaxed"`. To import it is
// all there is to do; it exports nothing. On an engine without relaxed SIMD those networks run deterministic.

import { embeddedRelaxed, relaxedMemoryFlag } from "../build/embedded-relaxed.js";
import { addRelaxed } from "./engine/core.js";

addRelaxed(embeddedRelaxed, relaxedMemoryFlag);
