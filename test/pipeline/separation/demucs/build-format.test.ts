import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { PRECISIONS } from '../../../../src/pipeline/config.ts';
import { MODEL_FORMAT } from '../../../../src/pipeline/models/description.ts';
import { openCheckpoint } from '../../../../src/pipeline/separation/demucs/checkpoint/checkpoint.ts';
import { readConfiguration } from '../../../../src/pipeline/separation/demucs/configuration.ts';
import { buildNetwork } from '../../../../src/pipeline/separation/demucs/network/htdemucs.ts';
import { checkpointOf } from '../../../support/reference-cases.ts';

/** What is built of a checkpoint, by the number that models are installed under. */
const BUILT: Readonly<Record<number, string>> = {
  2: '1f5c4fdea4809d5b',
};

it('a network that is built in another way has another format', async () => {
  const hash = createHash('sha256');
  await using checkpoint = await openCheckpoint(checkpointOf('half_precision'));
  const shapes = new Map([...checkpoint.tensors].map(([name, { shape }]) => [name, shape]));
  const read = (name: string) => checkpoint.tensors.get(name)!.read();
  for (const precision of PRECISIONS) {
    const { nodes, derived } = buildNetwork(readConfiguration(checkpoint.kwargs), shapes, precision);
    hash.update(JSON.stringify(nodes));
    for (const { name, type, shape, compute } of derived.values()) {
      hash.update(JSON.stringify([name, type, shape]));
      // Powers and sines differ from processor to processor in their last bits.
      if (!name.endsWith('positions')) hash.update(await compute(read));
    }
  }
  expect(hash.digest('hex').slice(0, 16), 'raise MODEL_FORMAT, and note the new hash under it').toBe(
    BUILT[MODEL_FORMAT],
  );
});
