import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../src/pipeline/separation/demucs/checkpoint/checkpoint.ts';
import { readConfiguration } from '../../../../src/pipeline/separation/demucs/configuration.ts';
import { GraphBuilder } from '../../../../src/pipeline/separation/demucs/network/graph.ts';
import { buildNetwork } from '../../../../src/pipeline/separation/demucs/network/htdemucs.ts';
import { linearIn } from '../../../../src/pipeline/separation/demucs/network/linear.ts';
import { encodeOnnx, type Initializer } from '../../../../src/pipeline/separation/demucs/network/onnx.ts';
import { random } from '../../../support/random.ts';
import { checkpointOf, REFERENCE_NETWORKS } from '../../../support/reference-cases.ts';

/** What a product of integers is named in a graph. */
const INTEGER_PRODUCT = /MatMulInteger|QuantizeMatMul|MatMulNBits|QLinear|ConvInteger|QGemm|QAttention/;
const INT16_MIN = -32_768;
const INT16_MAX = 32_767;

const ROWS = 6;
const INPUTS = 64;
const OUTPUTS = 5;
const next = random(16);
const noise = (length: number) => Float32Array.from({ length }, () => 2 * next() - 1);
/** Rows that are all at one end or at the other, and their least and greatest such that both ends are rounded up. */
const ends = Float32Array.from({ length: ROWS * INPUTS }, (_, i) =>
  Math.floor(i / INPUTS) % 2 ? 125.5 : -1.5,
);
/** Columns of the greatest weight, of the least, by turns, and in pairs that have one sign. */
const extreme = Float32Array.from({ length: OUTPUTS * INPUTS }, (_, i) => {
  const column = Math.floor(i / INPUTS);
  return [1, -1, i % 2 ? 1 : -1, i % 4 < 2 ? 1 : -1, next() < 0.5 ? 1 : -1][column];
});

describe('a linear layer in 8 bits', () => {
  it.each([
    ['noise', noise(ROWS * INPUTS), noise(OUTPUTS * INPUTS)],
    ['what activates most', ends, extreme],
    ['positive values alone', ends.map((x) => Math.max(0, x)), extreme],
    ['negative values alone', ends.map((x) => -Math.max(0, x)), extreme],
    ['silence', new Float32Array(ROWS * INPUTS), extreme],
  ])('gives no two products whose sum leaves 16 bits, for %s', async (_, x, weight) => {
    const { activations, weights } = await run(x, weight);
    const largest = (values: Iterable<number>) => Math.max(...Array.from(values, Math.abs));
    // In whatever order a processor takes them.
    expect(2 * largest(activations) * largest(weights)).toBeLessThanOrEqual(INT16_MAX);
    for (let row = 0; row < ROWS; row++)
      for (let column = 0; column < OUTPUTS; column++) {
        const product = (i: number) => activations[row * INPUTS + i] * weights[i * OUTPUTS + column];
        let exact = 0;
        let saturating = 0;
        for (let i = 0; i < INPUTS; i += 2) {
          const pair = product(i) + product(i + 1);
          exact += pair;
          saturating += Math.min(INT16_MAX, Math.max(INT16_MIN, pair));
        }
        expect(saturating).toBe(exact);
      }
  });

  it.each([
    ['noise', noise(ROWS * INPUTS), 0.02],
    ['what activates most', ends, 0.02],
    ['silence', new Float32Array(ROWS * INPUTS), 0],
  ])('is near the exact one for %s', async (_, x, share) => {
    const weight = noise(OUTPUTS * INPUTS);
    const { result, exact } = await run(x, weight);
    const scale = Math.max(...exact.map(Math.abs));
    for (const [i, value] of exact.entries())
      expect(Math.abs(result[i] - value)).toBeLessThanOrEqual(share * scale);
  });

  it('hides no value that is not a number', async () => {
    const { result } = await run(noise(ROWS * INPUTS).fill(Number.NaN), noise(OUTPUTS * INPUTS));
    expect([...result].every(Number.isNaN)).toBe(true);
  });
});

it.each(Object.keys(REFERENCE_NETWORKS))(
  'the network %s multiplies integers in such layers alone',
  async (name) => {
    await using checkpoint = await openCheckpoint(checkpointOf(name));
    const { args, kwargs, tensors } = checkpoint;
    const configuration = readConfiguration(args.length > 0 ? { sources: args[0], ...kwargs } : kwargs);
    const shapes = new Map([...tensors].map(([tensor, { shape }]) => [tensor, shape]));
    const { nodes } = buildNetwork(configuration, shapes, 'int8');
    const products = nodes.filter(({ op }) => INTEGER_PRODUCT.test(op));
    expect(products.length).toBeGreaterThan(0);
    expect(new Set(products.map(({ op }) => op))).toEqual(new Set(['MatMulIntegerToFloat']));
  },
);

/** Runs a layer on `x`, and gives the integers that it multiplies, its result and the exact one. */
async function run(x: Float32Array, weight: Float32Array) {
  const bias = Float32Array.from({ length: OUTPUTS }, (_, i) => i - 2);
  const tensors = new Map([
    ['weight', { values: weight, shape: [OUTPUTS, INPUTS] }],
    ['bias', { values: bias, shape: [OUTPUTS] }],
  ]);
  const g = new GraphBuilder(new Map([...tensors].map(([name, { shape }]) => [name, shape])));
  const layer = { weight: 'weight', bias: 'bias', inputs: INPUTS, rows: OUTPUTS };
  g.output('result', 'Identity', [linearIn.int8(g, 'x', layer)]);
  g.output('exact', 'Identity', [linearIn.fp32(g, 'x', layer)]);
  const [activations, weights] = g.nodes.find(({ op }) => INTEGER_PRODUCT.test(op))!.inputs;
  for (const [name, value] of Object.entries({ activations, weights }))
    g.output(name, 'DequantizeLinear', [value, g.real(1)]);

  const read = async (name: string) => tensors.get(name)!.values;
  const bytes = new Map<string, Uint8Array>();
  for (const [name, { values }] of tensors) bytes.set(name, new Uint8Array(values.buffer));
  for (const { name, compute } of g.derived.values()) bytes.set(name, await compute(read));
  const shapes = {
    result: [ROWS, OUTPUTS],
    exact: [ROWS, OUTPUTS],
    activations: [ROWS, INPUTS],
    weights: [INPUTS, OUTPUTS],
  };
  const outputs = Object.entries(shapes).map(([name, shape]) => ({ name, shape }));
  const graph = g.finish('layer', { inputs: [{ name: 'x', shape: [ROWS, INPUTS] }], outputs }, () => ({
    file: '',
    offset: 0,
    bytes: 0,
  }));
  const initializers = graph.initializers.map(
    (tensor): Initializer => ({ ...tensor, data: bytes.get(tensor.name) ?? tensor.data }),
  );
  const model = encodeOnnx({ ...graph, initializers }, { name: 'test', version: '1' });
  const session = await InferenceSession.create(model, { logSeverityLevel: 4 });
  const answer = await session.run({ x: new Tensor('float32', x, [ROWS, INPUTS]) });
  await session.release();
  const values = (name: keyof typeof shapes) => answer[name].data as Float32Array;
  return {
    result: values('result'),
    exact: values('exact'),
    activations: values('activations'),
    weights: values('weights'),
  };
}
