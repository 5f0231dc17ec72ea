// A node of an ONNX graph with its attributes by name.

import { describeValue } from "../check.js";
import type { ModelFormatError } from "../check.js";
import { refuse } from "./assemble.js";
import type { AttributeMessage, NodeMessage } from "./proto.js";
import type { Constant } from "./values.js";

/** How messages name a node. */
export function placeOf({ name, opType, output }: NodeMessage): string {
  return `fromONNX: node ${describeValue(name || output?.[0] || "")} (${describeValue(opType ?? "").slice(1, -1)})`;
}

/** A node with its attributes by name. */
export class Node {
  readonly place: string;
  readonly opType: string;
  private readonly attributes = new Map<string, AttributeMessage>();

  constructor(readonly message: NodeMessage) {
    this.place = placeOf(message);
    this.opType = message.opType ?? "";
    for (const attribute of message.attribute ?? []) {
      if (attribute.g || attribute.reference) throw refuse(this.place, "no graph inside of it", `attribute ${describeValue(attribute.name ?? "")}`);
      this.attributes.set(attribute.name ?? "", attribute);
    }
  }

  float(name: string, otherwise: number): number {
    return this.attributes.get(name)?.f ?? otherwise;
  }

  int(name: string, otherwise: number): number {
    return this.attributes.get(name)?.i ?? otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    const given = this.attributes.get(name)?.ints;
    return given === undefined ? undefined : Array.from(given);
  }

  floats(name: string): Float64Array | undefined {
    const given = this.attributes.get(name)?.floats;
    return given === undefined ? undefined : Float64Array.from(given);
  }

  text(name: string, otherwise: string): string {
    const given = this.attributes.get(name)?.s;
    return given === undefined ? otherwise : new TextDecoder().decode(given);
  }

  attribute(name: string): AttributeMessage | undefined {
    return this.attributes.get(name);
  }
}

/** What stands for a node that is not understood. */
export function unknown({ place, opType }: Node, got = opType === "" ? "none" : describeValue(opType).slice(1, -1)): ModelFormatError {
  return refuse(place, "an operator of a multilayer perceptron", got, "unsupportedOperator");
}

/** The axes of a node: an input from opset 13 on, an attribute before. */
export function axesOf(node: Node, constant: Constant | undefined): readonly number[] | undefined {
  return constant === undefined ? node.ints("axes") : Array.from(constant.data);
}
