import protobuf from 'protobufjs';

/**
 * The part of the ONNX format (https://onnx.ai/onnx/repo-docs/IR.html) that a network needs, by field numbers of
 * `onnx.proto`.
 */
const MESSAGES = {
  ModelProto: {
    fields: {
      irVersion: { type: 'int64', id: 1 },
      producerName: { type: 'string', id: 2 },
      producerVersion: { type: 'string', id: 3 },
      graph: { type: 'GraphProto', id: 7 },
      opsetImport: { rule: 'repeated', type: 'OperatorSetIdProto', id: 8 },
    },
  },
  OperatorSetIdProto: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
  GraphProto: {
    fields: {
      node: { rule: 'repeated', type: 'NodeProto', id: 1 },
      name: { type: 'string', id: 2 },
      initializer: { rule: 'repeated', type: 'TensorProto', id: 5 },
      input: { rule: 'repeated', type: 'ValueInfoProto', id: 11 },
      output: { rule: 'repeated', type: 'ValueInfoProto', id: 12 },
    },
  },
  NodeProto: {
    fields: {
      input: { rule: 'repeated', type: 'string', id: 1 },
      output: { rule: 'repeated', type: 'string', id: 2 },
      name: { type: 'string', id: 3 },
      opType: { type: 'string', id: 4 },
      attribute: { rule: 'repeated', type: 'AttributeProto', id: 5 },
      domain: { type: 'string', id: 7 },
    },
  },
  AttributeProto: {
    fields: {
      name: { type: 'string', id: 1 },
      f: { type: 'float', id: 2 },
      i: { type: 'int64', id: 3 },
      ints: { rule: 'repeated', type: 'int64', id: 8 },
      type: { type: 'int32', id: 20 },
    },
  },
  TensorProto: {
    fields: {
      dims: { rule: 'repeated', type: 'int64', id: 1 },
      dataType: { type: 'int32', id: 2 },
      name: { type: 'string', id: 8 },
      rawData: { type: 'bytes', id: 9 },
      externalData: { rule: 'repeated', type: 'StringStringEntryProto', id: 13 },
      dataLocation: { type: 'int32', id: 14 },
    },
  },
  StringStringEntryProto: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
  ValueInfoProto: { fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } } },
  TypeProto: { fields: { tensorType: { type: 'TensorTypeProto', id: 1 } } },
  TensorTypeProto: {
    fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'TensorShapeProto', id: 2 } },
  },
  TensorShapeProto: { fields: { dim: { rule: 'repeated', type: 'DimensionProto', id: 1 } } },
  DimensionProto: { fields: { dimValue: { type: 'int64', id: 1 } } },
};

/** Element types by their numbers in the format. */
export const ELEMENT = { float32: 1, uint8: 2, int8: 3, int64: 7 } as const;
export type ElementType = keyof typeof ELEMENT;

/** Newest version of the format that onnxruntime 1.17 and later read. */
const IR_VERSION = 9;
/** The first operator set with `Gelu`. */
const OPSET = 20;
/** Where onnxruntime's own operators live. */
export const MICROSOFT = 'com.microsoft';
const EXTERNAL = 1;
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;

export interface Node {
  readonly op: string;
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Attributes;
}

/** Whole numbers and lists of them; a real number is given as `{ float }`. */
export type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

/** A tensor whose values stand in the graph, or at an offset of a file beside it. */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | { readonly file: string; readonly offset: number; readonly bytes: number };
}

/** A network's input or output; all are float32. */
export interface Port {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** The bytes of an `.onnx` file. */
export function encodeOnnx(graph: OnnxGraph, producer: { name: string; version: string }): Uint8Array {
  const model = protobuf.Root.fromJSON({ nested: MESSAGES }).lookupType('ModelProto');
  return model
    .encode({
      irVersion: IR_VERSION,
      producerName: producer.name,
      producerVersion: producer.version,
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: MICROSOFT, version: 1 },
      ],
      graph: {
        name: graph.name,
        node: graph.nodes.map(({ op, inputs, output, attributes, ...node }) => ({
          ...node,
          opType: op,
          input: inputs,
          output: [output],
          attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
        })),
        initializer: graph.initializers.map(tensor),
        input: graph.inputs.map(valueInfo),
        output: graph.outputs.map(valueInfo),
      },
    })
    .finish();
}

function attribute(name: string, value: Attributes[string]) {
  if (typeof value === 'number') return { name, type: ATTRIBUTE.int, i: value };
  if ('float' in value) return { name, type: ATTRIBUTE.float, f: value.float };
  return { name, type: ATTRIBUTE.ints, ints: value };
}

function tensor({ name, type, shape, data }: Initializer) {
  const common = { name, dims: shape, dataType: ELEMENT[type] };
  if (data instanceof Uint8Array) return { ...common, rawData: data };
  const place = { location: data.file, offset: data.offset, length: data.bytes };
  return {
    ...common,
    dataLocation: EXTERNAL,
    externalData: Object.entries(place).map(([key, value]) => ({ key, value: String(value) })),
  };
}

function valueInfo({ name, shape }: Port) {
  const dim = shape.map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType: ELEMENT.float32, shape: { dim } } } };
}
