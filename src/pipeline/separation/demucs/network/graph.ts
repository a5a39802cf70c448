import { WorkerError } from '../../../errors.ts';
import type { Attributes, ElementType, Initializer, Node, OnnxGraph, Port } from './onnx.ts';

/** Name of a value that a node gives, or of a tensor. */
export type Value = string;

/** Reads the values of a checkpoint's tensor. */
export type ReadTensor = (name: string) => Promise<Float32Array>;

/** A tensor that is computed when a network is converted, from the checkpoint's or from none. */
export interface DerivedTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly compute: (read: ReadTensor) => Promise<Uint8Array> | Uint8Array;
}

/**
 * Collects the nodes of a network. The checkpoint's tensors are named as in its state dict, and their shapes are checked
 * as they are used.
 */
export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly weights = new Set<string>();
  readonly derived = new Map<string, DerivedTensor>();

  readonly #constants = new Map<string, Initializer>();
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  #scope = '';

  /** `shapes`: of the checkpoint's tensors, by name. */
  constructor(shapes: ReadonlyMap<string, readonly number[]>) {
    this.#shapes = shapes;
  }

  /** Nodes that `build` adds are named after `scope`, so that a profile can be read. */
  within<T>(scope: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = scope;
    const result = build();
    this.#scope = outer;
    return result;
  }

  /** Adds a node with one output and gives the output's name. */
  node(op: string, inputs: readonly Value[], attributes: Attributes = {}, domain = ''): Value {
    const name = `${this.#scope}/${op}_${this.nodes.length}`;
    this.nodes.push({ op, name, domain, inputs, output: name, attributes });
    return name;
  }

  /** Adds a node that gives an output of the network. */
  output(name: string, op: string, inputs: readonly Value[]): void {
    this.nodes.push({ op, name, domain: '', inputs, output: name, attributes: {} });
  }

  /** A tensor of the checkpoint. @throws WorkerError `model_unavailable` where it is missing or of another shape */
  weight(name: string, shape: readonly number[]): Value {
    const found = this.#shapes.get(name);
    if (found?.join() !== shape.join()) {
      const came = found ? `has the shape [${found}]` : 'is missing';
      throw new WorkerError(
        'model_unavailable',
        `The checkpoint does not fit its own configuration: the tensor '${name}' ${came}, expected [${shape}].`,
      );
    }
    this.weights.add(name);
    return name;
  }

  /** Whole numbers, as shapes and axes are given. */
  integers(values: readonly number[]): Value {
    return this.#constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /** A real number. */
  real(value: number): Value {
    return this.#constant('float32', [], Float32Array.of(value));
  }

  /** A tensor that is computed when the network is converted. */
  derive(tensor: DerivedTensor): Value {
    this.derived.set(tensor.name, tensor);
    return tensor.name;
  }

  /** The finished graph. `place` tells where a tensor that does not stand in the graph lies. */
  finish(
    name: string,
    ports: { inputs: readonly Port[]; outputs: readonly Port[] },
    place: (name: string) => { file: string; offset: number; bytes: number },
  ): OnnxGraph {
    const weights = [...this.weights].map((name) => ({
      name,
      type: 'float32' as const,
      shape: this.#shapes.get(name)!,
    }));
    const external = [...weights, ...this.derived.values()].map(
      ({ name, type, shape }): Initializer => ({ name, type, shape, data: place(name) }),
    );
    return { name, nodes: this.nodes, initializers: [...external, ...this.#constants.values()], ...ports };
  }

  #constant(type: ElementType, shape: readonly number[], values: Float32Array | BigInt64Array): Value {
    const key = `${type}[${shape}](${values.join()})`;
    const known = this.#constants.get(key);
    if (known) return known.name;
    const name = `constant_${this.#constants.size}`;
    this.#constants.set(key, { name, type, shape, data: new Uint8Array(values.buffer) });
    return name;
  }
}

/** The bytes of a typed array, without copying. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
