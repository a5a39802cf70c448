import { importModel } from '../../src/pipeline/models/install.ts';
import { modelEntry } from '../../src/pipeline/models/manifest.ts';
import { checkpointOf } from './reference-cases.ts';

/** Installs a small network as the model `name`; a model of several networks gets it several times. */
export async function installSmall(modelsDir: string, name: string, network = 'single_precision') {
  const count = modelEntry(name)?.networks.length ?? 1;
  return await importModel(new Array(count).fill(checkpointOf(network)), name, { modelsDir });
}
